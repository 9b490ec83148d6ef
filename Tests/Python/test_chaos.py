"""A quarter of a minute of what Benchmarks/chaos.py does for a whole one."""

import sys

from conftest import ROOT, binary

sys.path.insert(0, str(ROOT / "Benchmarks"))


def test_under_load_with_an_upstream_that_dies_every_few_seconds(monkeypatch):
    import chaos

    monkeypatch.setenv("REPRISE_BINARY", binary())
    result = chaos.run(seconds=15, period=2, clients=12)
    assert result["wrong"] == []
    assert result["kills"] >= 3
    assert result["counts"]["200 HIT"] > 200 and any(name.startswith("50") for name in result["counts"])
