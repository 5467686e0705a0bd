"""The ranking demo: what is learnt of pixels is well above a distance, and the ways to learn it are level."""

from __future__ import annotations


def test_demo(engine, run_demo):
    demo = run_demo("ranking", "--engine", engine.name)
    rows = [line.split() for line in demo.printed.splitlines()[1:]]
    ndcg = {name: float(value) for name, value, *_ in rows}
    assert list(ndcg) == ["distance", "RankNet", "ListNet", "LambdaRank", "classifier"]
    for name, _, more, _, error in rows[1:]:
        assert float(more) > 3 * float(error)
        # One standard error of a difference is 0.012 at most.
        assert abs(ndcg[name] - ndcg["LambdaRank"]) < 0.03
    assert (demo.folder / "ranking.png").stat().st_size > 20_000
