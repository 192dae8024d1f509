"""The floor: what each form has reached and may not fall below again. It only rises.

`{"files": {"form": [recall as sure as asked, false]}}`; recall in thousandths, so that a file compares exactly. A form that is planted no more, or
whose label was wrong, is named under `"retired"` with the reason; only then may its floor go or sink.
"""

import json
import subprocess


def reached(parts):
    out = {}
    for name, (_, tallies, strays, _) in parts.items():
        mine = {form: [t.well * 1000 // t.planted if not form.startswith("miss.") else 1000, t.false] for form, t in tallies.items()}
        mine["(strays)"] = [1000, len(strays)]
        out[name] = dict(sorted(mine.items()))
    return out


def _read(path):
    return json.loads(path.read_text()) if path.exists() else {}


def _dump(floor):
    """One form a line, so that a change of a floor shows as one."""
    blocks = []
    for name, forms in sorted(floor.items()):
        lines = ",\n".join(f"    {json.dumps(form)}: {json.dumps(value)}" for form, value in sorted(forms.items()))
        blocks.append(f"  {json.dumps(name)}: {{\n{lines}\n  }}")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def raise_to(path, parts):
    """Writes the better of what stood there and what was reached; forms that are gone stay, so that the check sees it."""
    floor = _read(path)
    for name, forms in reached(parts).items():
        old = floor.setdefault(name, {})
        for form, (recall, false) in forms.items():
            before = old.get(form, [0, 10**9])
            old[form] = [max(before[0], recall), min(before[1], false)]
    path.write_text(_dump(floor))


def _before(path):
    """The floors of the last commits that changed it: what the present one may not be below."""
    log = subprocess.run(["git", "log", "--format=%H", "-n", "30", "--", path.name], cwd=path.parent, stdout=subprocess.PIPE, text=True, check=False)
    for commit in log.stdout.split():
        shown = subprocess.run(["git", "show", f"{commit}:./{path.name}"], cwd=path.parent, stdout=subprocess.PIPE, text=True, check=False)
        if shown.returncode == 0:
            yield commit[:10], json.loads(shown.stdout)


def check(path, parts):
    """What is wrong; lines that begin with `note:` are none."""
    floor, now, wrong = _read(path), reached(parts), []
    retired = floor.pop("retired", {})
    for name, forms in floor.items():
        if name not in now:
            continue
        for form, (recall, false) in forms.items():
            got = now[name].get(form)
            if got is None:
                wrong.append(f"{name}: {form} is in the floor, but the corpus plants it no more")
            elif got[0] < recall or got[1] > false:
                wrong.append(f"{name}: {form} reached recall {got[0] / 1000:.3f} and {got[1]} false, its floor is {recall / 1000:.3f} and {false}")
    better = sum(1 for name, forms in now.items() for form, (r, f) in forms.items() if [r, f] != floor.get(name, {}).get(form, [r, f]) and r >= floor[name][form][0])
    new = sum(1 for name, forms in now.items() for form in forms if form not in floor.get(name, {}))
    if better or new:
        wrong.append(f"note: {better} forms are above their floor, {new} have none: raise it with --raise-floor {path}")
    for commit, old in _before(path):
        old.pop("retired", None)
        for name, forms in old.items():
            for form, (recall, false) in forms.items():
                if form in retired:
                    continue
                here = floor.get(name, {}).get(form)
                if here is None or here[0] < recall or here[1] > false:
                    wrong.append(f"{name}: the floor of {form} sank since {commit}")
    return sorted(set(wrong))
