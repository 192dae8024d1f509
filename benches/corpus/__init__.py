"""A corpus with planted references to invented persons, to measure recall and precision: see docs/RECALL.md.

Everything is made from a seed. A label is written down at the moment its text is planted, never taken from what a tool found.
A label says: who, which form, where, and the strength that DESIGN.md asks for. A near miss says the most that may be said.

    people.py    who: generated identities of another project, and a few invented names with what those lack
    spell.py     how a person is spelled, and what only looks like it
    escape.py    how a spelling is split or escaped
    carriers.py  plain files that hold many lines
    formats.py   one file a form: mail, office, PDF, images, archives (their writers in pdf.py, office.py, images.py)
    structured.py  JSON as Jira and sync tools write it
    folder.py    puts a folder and its labels together
    world.py     feeds a Jira sandbox through its REST API

Standard library only.
"""
