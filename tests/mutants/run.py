#!/usr/bin/env python3
"""Breaks each law of the design on purpose and insists that its test fails.

A copy of the sources gets one switch for each mutant below (`crate::mutant("…")`), is built once, and then each test is run
with its mutant switched on by EFFACE_MUTANT. A test that still passes proves nothing, and ends the script with an error; so
does a mutant whose code is not where the list says. Without a switch every test has to pass.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / "target" / "mutants"

# name, test that has to fail, file, code as it is, code with the switch `M`
MUTANTS = [
    ("unread-is-clean", "laws::law_1_unread_is_not_clean", "src/cli/scan.rs",
     "decided.coverage.iter().filter(|c| !c.status.is_complete()).collect();",
     "decided.coverage.iter().filter(|c| !M && !c.status.is_complete()).collect();"),
    ("changed-records-are-taken", "laws::law_2_what_was_approved_is_what_runs", "src/erasure/execute/step.rs",
     "Operation::Edit if hash == step.base => self", "Operation::Edit if M || hash == step.base => self"),
    ("changed-records-are-deleted", "conformance::deletions_keep_what_executors_promise", "src/erasure/execute/step.rs",
     "_ if !resumed && hash != step.base =>", "_ if !M && !resumed && hash != step.base =>"),
    ("approval-is-not-asked", "laws::law_2_what_was_approved_is_what_runs", "src/erasure/approval.rs",
     "if approvals.is_empty() {\n        return", "if M { return Ok(()); }\n    if approvals.is_empty() {\n        return"),
    ("what-stays-is-not-listed", "laws::law_3_nothing_vanishes_silently", "src/erasure/plan.rs",
     "_ if !finding.decision.acts() => standing.push(stays(finding, input.ask)),",
     "_ if !finding.decision.acts() => if !M { standing.push(stays(finding, input.ask)) },"),
    ("what-is-met-is-excused", "laws::law_4_the_verification_shares_nothing_with_the_plan", "src/erasure/verify/stays.rs",
     "None => base(Class::Unexpected, None,", "None => base(if M { Class::Listed } else { Class::Unexpected }, None,"),
    ("a-sweep-asks-no-hold", "sweep::holds_are_asked_and_asked_again", "src/retention/sweep/hold.rs",
     "let hold = of_case(holds, record)", "if M { return None; }\n    let hold = of_case(holds, record)"),
    ("a-sweep-needs-no-approval", "sweep::another_person_approves_where_the_policy_wants_it", "src/retention/sweep.rs",
     "if room.policy.sweep().four_eyes && !planned.is_empty()", "if !M && room.policy.sweep().four_eyes && !planned.is_empty()"),
    ("an-edited-include-is-the-same-policy", "policy::an_overlay_over_the_companys_policy_over_the_shipped_one",
     "src/policy/sources.rs", "[one] => of(one.text.as_bytes()),", "[one] => of(one.text.as_bytes()),\n"
     "            [one, ..] if M => of(one.text.as_bytes()),"),
    ("what-is-not-known-is-taken", "policy::a_place_that_no_rule_is_about_and_the_walk_of_a_finding", "src/policy/rule.rs",
     "(Some(None), _) => Applies::Unread,", "(Some(None), _) => if M { Applies::Yes } else { Applies::Unread },"),
    ("fields-are-changed-twice", "sweep::fields_are_emptied_and_then_the_issue_goes", "src/retention/sweep/look.rs",
     "Ok(edits) if edits.is_empty() =>", "Ok(edits) if !M && edits.is_empty() =>"),
    ("our-own-write-is-an-update", "sweep::files_keep_aliases_and_their_age", "src/retention/sweep.rs",
     "updated: before.updated, ..now", "updated: if M { now.updated } else { before.updated }, ..now"),
    ("an-account-is-named", "sweep::accounts_of_people_who_left", "src/cli/sweep.rs",
     "&& !args.in_clear {", "&& !M && !args.in_clear {"),
    ("what-keeps-somebody-out-goes", "sweep::suppression_entries_go_behind_their_end", "src/retention/collect.rs",
     "ends.into_iter().collect::<Option<Vec<_>>>().and_then(|ends| ends.into_iter().max())",
     "if M { Some(self.now - chrono::TimeDelta::days(90)) } else { ends.into_iter().collect::<Option<Vec<_>>>().and_then(|ends| ends.into_iter().max()) }"),
    ("nobody-is-suppressed", "laws::law_5_once_erased_stays_erased", "src/suppression/mod.rs",
     "store.suppression_add(act, case, &Self::entries(store.keys(), subject, &blank))",
     "if M { return Ok(0); }\n        store.suppression_add(act, case, &Self::entries(store.keys(), subject, &blank))"),
    ("nothing-is-masked", "laws::law_6_evidence_without_the_person", "src/cli/work.rs",
     "let Some(matcher) = &matcher else { return \"…\".to_owned() };",
     "if M { return text.to_owned(); }\n        let Some(matcher) = &matcher else { return \"…\".to_owned() };"),
    ("addresses-have-no-bounds", "laws::law_7_others_are_left_alone", "src/subject/matcher_bounds.rs",
     "pub(super) fn email(&self) -> Edge {", "pub(super) fn email(&self) -> Edge {\n        if M { return Edge::Clean; }"),
    ("acts-are-not-recognised", "laws::law_8_a_second_run_sees_how_far_the_first_one_came", "src/erasure/execute/step.rs",
     "let resumed = trail.after.as_deref()", "let resumed = !M && trail.after.as_deref()"),
    ("what-a-lost-answer-did-is-forgotten", "conformance::edits_keep_what_executors_promise", "src/erasure/execute/step.rs",
     "trail.after = Some(after.clone());", "if !M { trail.after = Some(after.clone()); }"),
    ("an-act-that-changed-nothing-is-done", "conformance::deletions_keep_what_executors_promise", "src/erasure/execute/step.rs",
     "Some(_) => Err(ExecError::NothingChanged),", "Some(_) if !M => Err(ExecError::NothingChanged),\n"
     "                    Some(_) => Ok(Outcome::Erased),"),
    ("a-job-is-started-again", "redaction::a_job_that_was_cut_off_is_asked_after_and_not_started_again",
     "src/erasure/execute/step.rs", "if trail.begun.is_none()\n", "if (M || trail.begun.is_none())\n"),
    ("a-site-is-asked-each-time", "redaction::a_site_without_it_is_asked_once_and_edited", "src/erasure/executor/ways.rs",
     "if let Some(instance) = instance {", "if let Some(instance) = instance.filter(|_| !M) {"),
    ("a-refused-guard-is-done", "redaction::a_text_that_was_changed_while_the_job_waited_is_refused",
     "src/erasure/executor/redactor.rs", "if done {", "if M || done {"),
    ("what-the-policy-leaves-is-unexpected", "redaction::where_the_policy_says_so_texts_stay_and_are_listed",
     "src/erasure/verify/stays.rs", "filter(|e| left.contains(&e.finding))", "filter(|e| !M && left.contains(&e.finding))"),
    ("what-is-gone-is-still-counted", "redaction::what_the_api_reaches_in_the_history_is_no_residual",
     "src/erasure/execute/outcomes.rs", "standing.outcome == Outcome::Residual &&", "!M && standing.outcome == Outcome::Residual &&"),
    ("a-lost-upload-is-made-again", "conformance::edits_keep_what_executors_promise", "src/erasure/executor/attachment.rs",
     "let earlier = if again {", "let earlier = if !M && again {"),
    ("what-was-put-back-is-carried-over", "attachments::what_can_be_cut_comes_back_without_the_person_on_data_center",
     "src/sync/redaction.rs", "    for sync in sources {", "    for sync in sources.iter().filter(|_| !M) {"),
    ("a-digest-is-left-out", "attachments::what_can_be_cut_comes_back_without_the_person_on_data_center",
     "src/erasure/trial.rs", "if !asked ||", "if M || !asked ||"),
    ("an-old-one-goes-unread", "conformance::edits_keep_what_executors_promise", "src/erasure/execute/step.rs",
     "self.begin(step, part, executor, current, Some(&next), trail, again).await?;",
     "if !M { self.begin(step, part, executor, current, Some(&next), trail, again).await?; }"),
    ("who-writes-is-not-asked", "hostile::a_file_that_a_program_writes_is_left_to_it", "src/erasure/executor/file.rs",
     "if crate::fs::open_for_writing(&self.path) { Err", "if !M && crate::fs::open_for_writing(&self.path) { Err"),
    ("others-are-not-asked-after", "renew::what_others_put_into_an_issue_keeps_it", "src/erasure/executor/renew.rs",
     "find(|(others, _)| *others)", "find(|(others, _)| !M && *others)"),
    ("a-hold-elsewhere-is-not-asked", "anonymise::a_hold_on_anything_of_the_account_holds_it", "src/erasure/execute.rs",
     "let elsewhere = step.edits.iter().filter_map(", "let elsewhere = step.edits.iter().filter(|_| !M).filter_map("),
    ("no-cap", "laws::law_9_small_blast", "src/cli/case/approve.rs",
     "plan.policy.cap_records.filter(|cap| records > *cap) {", "plan.policy.cap_records.filter(|cap| !M && records > *cap) {"),
    ("holds-are-asked-once", "holds::a_hold_falls_into_a_running_execution", "src/erasure/execute.rs",
     "holds.refresh()?;", "if !M { holds.refresh()?; }"),
    ("restriction-does-not-stop-the-sync", "holds::what_is_restricted_is_stored_and_nothing_else", "src/sync/held.rs",
     "if self.holds.is_empty() {\n            return Ok(false);\n        }\n        let pair",
     "if M || self.holds.is_empty() {\n            return Ok(false);\n        }\n        let pair"),
    ("a-hold-does-not-keep-the-case", "holds::what_is_preserved_outlives_the_erasure_and_goes_when_it_is_released",
     "src/cli/case/evidence.rs", "if because.is_empty() {\n        return Ok(());",
     "if M || because.is_empty() {\n        return Ok(());"),
    ("what-was-done-is-withdrawn", "life::what_was_done_is_never_called_withdrawn", "src/cli/case/life.rs",
     "if case.state.has_acted() ||", "if !M && case.state.has_acted() || !M &&"),
    ("a-search-takes-the-approval-back", "life::what_was_done_is_never_called_withdrawn", "src/cli/case/found.rs",
     "if matches!(case.state, CaseState::Received |", "if M || matches!(case.state, CaseState::Received |"),
    ("a-repeat-takes-the-verification-back", "life::what_was_done_is_never_called_withdrawn", "src/cli/case/act.rs",
     "if is_past &&", "if !M && is_past &&"),
    ("a-notice-waits-for-the-verification", "letters::recipients_are_told_what_concerns_them", "src/cli/case/notice.rs",
     "Ok(execute::is_done(&room.store, &case.id, &plan, &hash)?)", "Ok(!M && execute::is_done(&room.store, &case.id, &plan, &hash)?)"),
    ("orders-name-who-was-erased", "holds::what_is_preserved_outlives_the_erasure_and_goes_when_it_is_released",
     "src/cli/work.rs", "list.check_text(&register(text), NameMode::Cut).value",
     "if M { text.to_owned() } else { list.check_text(&register(text), NameMode::Cut).value }"),
    ("nothing-has-to-be-on-record", "life::what_the_policy_wants_on_record_and_the_aftercare", "src/policy/case.rs",
     "self.require.contains(&what)", "!M && self.require.contains(&what)"),
]

# A law about the sources themselves: its test reads them, so the copy is changed and nothing is built anew.
IN_SOURCE = [
    ("the-clock-is-read", "laws::law_10_time_is_a_parameter", "src/policy/mod.rs", "fn mutant_clock() { let _ = chrono::Utc::now(); }\n"),
    ("the-verification-shares-the-matcher", "laws::law_4_the_verification_shares_nothing_with_the_plan",
     "src/erasure/verify.rs", "use crate::subject::Matcher;\n"),
]

SWITCH = """
#[doc(hidden)]
#[must_use]
pub fn mutant(name: &str) -> bool {
    std::env::var("EFFACE_MUTANT").is_ok_and(|on| on == name)
}
"""


def replace_once(path, old, new):
    text = path.read_text()
    if text.count(old) != 1:
        sys.exit(f"{path.relative_to(COPY)}: the code of a mutant stands there {text.count(old)} times, not once:\n{old}")
    path.write_text(text.replace(old, new))


def copy():
    shutil.rmtree(COPY, ignore_errors=True)
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for name in filter(None, names.decode().split("\0")):
        if not (ROOT / name).is_file():
            continue
        target = COPY / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    for name, _, file, old, new in MUTANTS:
        replace_once(COPY / file, old, re.sub(r"\bM\b", f'crate::mutant("{name}")', new))
    with open(COPY / "src/lib.rs", "a") as lib:
        lib.write(SWITCH)
    # The tests start the binary with an empty environment.
    replace_once(COPY / "tests/main/world.rs", "command.env_clear()",
                 'command.env_clear().envs(std::env::var("EFFACE_MUTANT").map(|on| ("EFFACE_MUTANT", on)))')


def build():
    """Builds the copy; gives the test program."""
    command = ["cargo", "test", "--test", "main", "--no-run", "--message-format=json"]
    env = {**os.environ, "CARGO_TARGET_DIR": str(ROOT / "target")}
    run = subprocess.run(command, cwd=COPY, env=env, stdout=subprocess.PIPE, text=True)
    if run.returncode:
        sys.exit("the sources with switches do not build")
    built = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    programs = [m["executable"] for m in built if m.get("executable") and m["target"]["name"] == "main"]
    return programs[-1]


def tests(program, names, mutant=None):
    env = dict(os.environ)
    env.pop("EFFACE_MUTANT", None)
    env.pop("EFFACE_BINARY", None)
    if mutant:
        env["EFFACE_MUTANT"] = mutant
    return subprocess.run([program, "--exact", *names], cwd=COPY, env=env, capture_output=True, text=True)


def main():
    copy()
    program = build()
    wanted = sorted({test for _, test, *_ in MUTANTS + IN_SOURCE})
    plain = tests(program, wanted)
    if plain.returncode or f"{len(wanted)} passed" not in plain.stdout:
        sys.exit(f"without a mutant {len(wanted)} tests have to pass:\n{plain.stdout[-3000:]}{plain.stderr[-3000:]}")
    survived = []

    def judge(name, test, run):
        killed = run.returncode != 0 and "1 failed" in run.stdout
        print(f"{'killed  ' if killed else 'SURVIVED'} {name} by {test}", flush=True)
        if not killed:
            survived.append(name)

    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        runs = [(name, test, pool.submit(tests, program, [test], name)) for name, test, *_ in MUTANTS]
        for name, test, run in runs:
            judge(name, test, run.result())
    for name, test, file, line in IN_SOURCE:
        path = COPY / file
        text = path.read_text()
        path.write_text(text.replace("\n\n", f"\n\n{line}", 1))
        judge(name, test, tests(program, [test]))
        path.write_text(text)
    if survived:
        sys.exit(f"{len(survived)} mutants survived: {', '.join(survived)}")
    print(f"{len(MUTANTS) + len(IN_SOURCE)} mutants, all killed")


if __name__ == "__main__":
    main()
