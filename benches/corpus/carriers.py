"""Plain files that hold many lines, one text a line: what a folder of notes, exports and logs looks like."""

import csv
import html
import io
import json

WORDS = """the user can see login page error after deploy please check server configuration update issue sync field value status
workflow order customer project release version board sprint comment attachment when running test case failed with timeout while
reading response from upstream service queue worker restart log shows nothing unusual before this happened twice since monday we
should move it to next iteration because another team depends on new interface""".split()


def filler(rng, least=3, most=9):
    """Lower-case words that name nobody."""
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(least, most)))


def sentence(rng, text):
    """A text amid words."""
    return f"{filler(rng)} {text} {filler(rng)}"


def txt(rng, texts):
    return "\n\n".join(sentence(rng, t) for t in texts) + "\n"


def markdown(rng, texts):
    return "# Notes\n\n" + "\n".join(f"- {sentence(rng, t)}" for t in texts) + "\n"


def csv_file(rng, texts):
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["no", "text", "state"])
    for n, t in enumerate(texts):
        rows.writerow([n, sentence(rng, t), rng.choice(WORDS)])
    return out.getvalue()


def array(rng, texts):
    return json.dumps([{"id": n, "text": sentence(rng, t), "state": rng.choice(WORDS)} for n, t in enumerate(texts)],
                      ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 2]))


def lines(rng, texts):
    return "".join(json.dumps({"id": n, "text": sentence(rng, t)}, ensure_ascii=rng.random() < 0.5) + "\n" for n, t in enumerate(texts))


def log(rng, texts):
    return "".join(f"2026-03-{1 + n % 28:02} 10:{n % 60:02}:11,{rng.randrange(1000):03} http-exec-{n} INFO [c.e.sync.Worker] {sentence(rng, t)}\n"
                   for n, t in enumerate(t.replace("\n", "\\n") for t in texts))


def page(rng, texts):
    return "<!doctype html><html><body>" + "\n".join(f"<p>{html.escape(sentence(rng, t), quote=False)}</p>" for t in texts) + "</body></html>"


def xml(rng, texts):
    return '<?xml version="1.0" encoding="UTF-8"?>\n<notes>' + "\n".join(f'<note id="{n}">{html.escape(sentence(rng, t), quote=False)}</note>' for n, t in enumerate(texts)) + "</notes>\n"


CARRIERS = [("txt", txt), ("md", markdown), ("csv", csv_file), ("json", array), ("jsonl", lines), ("log", log), ("html", page), ("xml", xml)]
