"""The table of JAX's tests: what counts as what."""

import json

from tools.jax_conformance import END, START, failures, forget, read, record, write_table


def write(path, *entries):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"test": test, "outcome": outcome}) + "\n" for test, outcome in entries))


def test_counts(tmp_path):
    ours = record(tmp_path, "astra", "in/new_test")
    write(
        ours,
        *(("A::ok", "started"), ("A::ok", "passed"), ("A::skip", "started"), ("A::skip", "skipped")),
        *(("A::part", "started"), ("A::part", "failed"), ("A::part", "passed"), ("A::crash", "started")),
        *(("A::both", "started"), ("A::both", "failed")),
    )
    ours.with_suffix(".total").write_text("6")
    write(record(tmp_path, "cpu", "in/new_test"), ("A::part", "passed"), ("A::crash", "passed"), ("A::both", "failed"))
    assert failures(read(ours)) == ["A::part", "A::crash", "A::both"]
    page = tmp_path / "page.md"
    page.write_text(f"before\n{START}\n\n| file | x |\n|---|---|\n| old_test | all | 1 |\n\n{END}\nafter\n")
    write_table(tmp_path, page)
    assert "| in/new_test | 5 of 6 | 1 | 2 | 1 | 1 | 33.33 % |  |\n| old_test | all | 1 |\n\n" in page.read_text()
    assert page.read_text().startswith("before") and page.read_text().endswith("after\n")
    forget(ours, {"A::part"})
    assert failures(read(ours)) == ["A::crash", "A::both"]
