"""What is left of a grading: a table for each assignment, a page for each student, and which tests were failed.

    build/graded/scores.csv             a row for every notebook, as it was graded
    build/graded/NAME.csv               an assignment: points by exercise and in all, days late, a note; *type in it*
    build/graded/items.csv              for every exercise its mean, and how often each message was met
    build/graded/STUDENT/NAME.html      a page to give back: the work with points and messages, without hidden tests
    build/graded/STUDENT/NAME.ipynb     the notebook as it was run, with our tests in it: keep it
    build/graded/automatic.json         what the tests gave

What you type into NAME.csv is kept when the folder is graded again: the essay's points, which no test gives, and any
other points that you changed. ``make regrade`` adds them up and writes the pages anew.
"""

import asyncio
import csv
import io
import json
import os
import shutil
import statistics
import sys
import time
from collections import Counter
from functools import cache
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from nbformat import NotebookNode

sys.path.insert(0, str(Path(__file__).parent))
from grading import BUILD, COLUMNS, ROOT, grade_all, key, marks, released, source  # noqa: E402

FORMULA = ("=", "+", "-", "@", "\t", "\r")
Typed = dict[tuple[str, str, str], float]  # (assignment, student, exercise) -> points


def plain(value: object) -> object:
    """A value that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def named(value: str) -> str:
    """A name as it was before ``plain``."""
    return value[1:] if value[:1] == "'" and value[1:].startswith(FORMULA) else value


def replace(path: Path, text: str) -> None:
    """Write a file so that it is as it was, or whole."""
    aside = path.with_name(f".{path.name}.new")
    aside.write_text(text, encoding="utf-8", newline="")
    os.replace(aside, path)


def write_csv(path: Path, columns: list[str], rows: list[dict]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: plain(value) for name, value in row.items()} for row in rows)
    replace(path, text.getvalue())


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a table, also after a spreadsheet has saved it with its own separator."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8-sig")
    first = text.partition("\n")[0]
    return list(csv.DictReader(text.splitlines(), delimiter=";" if first.count(";") > first.count(",") else ","))


@cache
def exercises(name: str) -> dict[str, float]:
    """The graded parts of an assignment with their points, in their order; the last is the essay."""
    graded = [cell for cell in source(name).cells if marks(cell).get("grade")]
    return {key(cell).removesuffix("-test"): float(marks(cell)["points"]) for cell in graded}


def essay_of(name: str) -> str:
    return list(exercises(name))[-1]


# what was typed, and what was there before


def set_aside(out: Path) -> Path | None:
    """A copy of what is there beside it, so that a grading overwrites nothing for good; None where there is nothing."""
    if not (out / "automatic.json").exists() and not (out / "scores.csv").exists():
        return None
    stamp, n = time.strftime("%Y-%m-%d %H.%M.%S"), 1
    copy = out.with_name(f"{out.name} before {stamp}")
    while copy.exists():
        n += 1
        copy = out.with_name(f"{out.name} before {stamp} ({n})")
    shutil.copytree(out, copy)
    return copy


def automatic(out: Path) -> dict[str, dict[str, dict]]:
    """assignment -> student -> what the tests gave: points, messages, note, late_days; and if there is an essay."""
    path = out / "automatic.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def typed(out: Path) -> Typed:
    """The points in the tables that no test gave.

    Raises:
        ValueError: something that is no number of points.
    """
    found: Typed = {}
    for name, students in automatic(out).items():
        for row in read_csv(out / f"{name}.csv"):
            student = named(row.get("student") or "")
            given = students.get(student, {}).get("points", {})
            for exercise, most in exercises(name).items():
                text = named((row.get(exercise) or "").strip())
                try:
                    points = float(text.replace(",", ".")) if text else None
                    right = points is None or 0 <= points <= most
                except ValueError:
                    right = False
                if not right:
                    where = f"{name}.csv, {student}, {exercise}"
                    raise ValueError(f"{where}: {text!r} is no number of points from 0 to {most:g}")
                if points is not None and points != given.get(exercise):
                    found[name, student, exercise] = points
    return found


# the tables


def take(out: Path, rows: list[dict]) -> None:
    """Put the rows of a grading into the record; those of other students and assignments stay."""
    record = automatic(out)
    for row in rows:
        if row["assignment"]:
            kept = {name: row[name] for name in ("points", "messages", "note", "late_days")}
            record.setdefault(row["assignment"], {})[row["student"]] = kept | {"essay": row["by_hand"] > 0}
    replace(out / "automatic.json", json.dumps(record, indent=1, ensure_ascii=False))


def write(out: Path, by_hand: Typed) -> None:
    """Every table and every page, from the record and from what was typed."""
    items = []
    for name, students in sorted(automatic(out).items()):
        parts, rows = exercises(name), []
        for student, given in sorted(students.items()):
            points = {e: by_hand.get((name, student, e), given["points"].get(e)) for e in parts}
            if points[essay_of(name)] is None and not given["essay"]:
                points[essay_of(name)] = 0.0  # nothing was written
            known = [p for p in points.values() if p is not None]
            row = {"student": student} | {e: "" if p is None else p for e, p in points.items()}
            row |= {
                "total": sum(known),
                "of": sum(parts.values()),
                "late_days": given["late_days"],
                "note": given["note"],
            }
            row["to_read"] = " ".join(e for e, p in points.items() if p is None)
            rows.append(row)
            executed = out / student / f"{name}.ipynb"
            if executed.exists():
                page = feedback(nbformat.read(executed, 4), name, row, given["messages"])
                replace(executed.with_suffix(".html"), page)
        write_csv(out / f"{name}.csv", ["student", *parts, "total", "of", "late_days", "to_read", "note"], rows)
        for exercise, most in parts.items():
            reached = [float(row[exercise]) for row in rows if row[exercise] != ""]
            about = {"assignment": name, "exercise": exercise, "submissions": len(rows), "of": most}
            about["mean"] = round(statistics.mean(reached), 2) if reached else ""
            met = Counter(given["messages"].get(exercise) for given in students.values())
            met.pop(None, None)
            items += [about | {"times": n, "message": said} for said, n in met.most_common()] or [about]
    write_csv(out / "items.csv", ["assignment", "exercise", "submissions", "mean", "of", "times", "message"], items)


def grade(folder: Path, out: Path, **settings) -> Path:
    """Grade every submission in a folder, ``jobs`` at a time (None: one for each core); the table, out/scores.csv.

    Other settings are those of ``grade_one``. Each student has at least one row. What was there before is copied aside,
    points that were typed into its tables stay, and so do the rows of students and assignments that were not handed in.
    """
    secret = (ROOT / "notebooks" / "assignments", ROOT / "tests", BUILD, folder.resolve(), out.resolve())
    out.mkdir(parents=True, exist_ok=True)
    by_hand = typed(out)  # before anything is run: a slip in a table is told at once
    set_aside(out)
    rows = asyncio.run(grade_all(folder, out, secret=secret, **settings))
    graded = {(str(plain(row["student"])), row["assignment"]) for row in rows}
    others = [row for row in read_csv(out / "scores.csv") if (row["student"], row["assignment"]) not in graded]
    both = sorted([*others, *rows], key=lambda row: (named(row["student"]), row["assignment"]))
    take(out, rows)
    write_csv(out / "scores.csv", list(COLUMNS), both)
    write(out, by_hand)
    return out / "scores.csv"


def regrade(out: Path) -> list[Path]:
    """Add up what was typed, and write tables and pages anew; nothing is run. The tables."""
    write(out, typed(out))
    return sorted(out / f"{name}.csv" for name in automatic(out))


# the pages


def feedback(executed: NotebookNode, name: str, row: dict, messages: dict[str, str]) -> str:
    """A student's notebook as a web page, with points and messages; tests as the student has them, without output."""
    ours, parts = {key(c): c for c in released(name).cells if marks(c)}, exercises(name)

    def points(exercise: str) -> str:
        got = row[exercise]
        return f"{got:g} of {parts[exercise]:g} points" if got != "" else f"of {parts[exercise]:g} points, not read yet"

    lines = [f"# {name}: {row['total']:g} of {row['of']:g} points", ""]
    lines += [f"- {exercise}: {points(exercise)}" for exercise in parts]
    lines += [f"- handed in {row['late_days']} days late"] if row["late_days"] else []
    lines += [f"- {row['note']}"] if row["note"] else []
    cells = [nbformat.v4.new_markdown_cell("\n".join(lines))]
    for cell in executed.cells:
        mark, exercise = key(cell), (key(cell) or "").removesuffix("-test")
        if mark in ours and marks(cell).get("grade") and cell.cell_type == "code":
            cells.append(nbformat.v4.new_code_cell(ours[mark].source))
            said = f" {messages[exercise]}" if exercise in messages else ""
            cells.append(nbformat.v4.new_markdown_cell(f"**{points(exercise)}.**{said}"))
        elif mark in parts and cell.cell_type == "markdown":
            cells += [nbformat.v4.new_markdown_cell(cell.source), nbformat.v4.new_markdown_cell(f"**{points(mark)}**")]
        else:
            copy = nbformat.from_dict(cell)
            copy.metadata = {}
            cells.append(copy)
    exporter = HTMLExporter(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True)
    exporter.sanitize_html = True  # a page may not run what a student wrote
    body, _ = exporter.from_notebook_node(nbformat.v4.new_notebook(cells=cells))
    return f'<!doctype html><meta charset="utf-8"><title>{name}</title><style>{STYLE}</style>{body}'


STYLE = """body { font-family: sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.4 }
pre { background: #f5f5f5; padding: 0.5rem; overflow-x: auto }
img { max-width: 100% } table { border-collapse: collapse } td, th { border: 1px solid #ccc; padding: 0.2rem 0.5rem }"""
