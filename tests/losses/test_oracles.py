"""Values against implementations from outside: scikit-learn's metrics and SciPy's special functions."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from scipy import special
from sklearn import metrics
from sklearn._loss import loss as sklearn_loss

from gbm_objectives import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Hinge,
    Huber,
    Quantile,
    SigmoidSquaredError,
    SquaredError,
)

RNG = np.random.default_rng(0)
Y, RAW, WEIGHT = RNG.standard_normal(200), RNG.standard_normal(200), RNG.uniform(0, 2, 200)
LABELS = RNG.integers(0, 2, 200)
CLASSES, SCORES = RNG.integers(0, 4, 200), RNG.standard_normal((200, 4))


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("loss", "y", "raw", "oracle"),
    [
        (SquaredError(), Y, RAW, lambda w: metrics.mean_squared_error(Y, RAW, sample_weight=w)),
        (AbsoluteError(), Y, RAW, lambda w: metrics.mean_absolute_error(Y, RAW, sample_weight=w)),
        (Quantile(0.9), Y, RAW, lambda w: metrics.mean_pinball_loss(Y, RAW, sample_weight=w, alpha=0.9)),
        (Huber(0.7), Y, RAW, lambda w: np.average(special.huber(0.7, Y - RAW), weights=w)),
        (
            BinaryCrossEntropy(),
            LABELS,
            RAW,
            lambda w: metrics.log_loss(LABELS, special.expit(RAW), sample_weight=w),
        ),
        (
            CategoricalCrossEntropy(4),
            CLASSES,
            SCORES,
            lambda w: metrics.log_loss(CLASSES, special.softmax(SCORES, axis=1), sample_weight=w),
        ),
        (
            SigmoidSquaredError(),
            LABELS,
            RAW,
            lambda w: metrics.brier_score_loss(LABELS, special.expit(RAW), sample_weight=w),
        ),
        (Hinge(), LABELS, RAW, lambda w: metrics.hinge_loss(LABELS, RAW, sample_weight=w)),
        (Hinge(), 2 * LABELS - 1, RAW, lambda w: metrics.hinge_loss(LABELS, RAW, sample_weight=w)),
    ],
    ids=lambda value: repr(value) if hasattr(value, "metric") else "",
)
def test_value(loss, y, raw, oracle, weight):
    assert loss.value(y, raw, weight) == pytest.approx(oracle(weight), rel=1e-12)


def test_soft_binary_target_is_a_mixture_of_both_labels():
    # -q log p - (1 - q) log(1 - p), from scikit-learn's log loss with the rows twice and weights q, 1 - q.
    q, p = RNG.random(200), special.expit(RAW)
    twice = metrics.log_loss(
        np.r_[np.ones(200), np.zeros(200)], np.r_[p, p], sample_weight=np.r_[q, 1 - q], normalize=False
    )
    assert BinaryCrossEntropy().value(q, RAW) == pytest.approx(twice / 200, rel=1e-12)


def test_start_values():
    assert SquaredError().initial_raw(Y, WEIGHT) == pytest.approx(np.average(Y, weights=WEIGHT))
    assert AbsoluteError().initial_raw([3.0, 1.0, 2.0]) == np.median([3.0, 1.0, 2.0])
    assert BinaryCrossEntropy().initial_raw(LABELS) == pytest.approx(special.logit(LABELS.mean()))
    shares = np.bincount(CLASSES) / 200
    np.testing.assert_allclose(CategoricalCrossEntropy(4).initial_raw(CLASSES), np.log(shares))
    # Huber's estimate tends to the mean for a large delta and to the median for a small one.
    assert Huber(100.0).initial_raw(Y) == pytest.approx(Y.mean())
    assert Huber(1e-9).initial_raw(Y[:199]) == pytest.approx(np.median(Y[:199]), abs=1e-7)


def test_single_class_targets_have_a_finite_start():
    for y, p in (([1.0, 1.0], 1.0), ([0.0, 0.0], 0.0)):
        start = BinaryCrossEntropy().initial_raw(y)
        assert np.isfinite(start)
        assert special.expit(start) == pytest.approx(p, abs=1e-6)
    assert np.isfinite(CategoricalCrossEntropy(3).initial_raw([0, 1, 1])).all()


@pytest.mark.parametrize(
    ("loss", "oracle", "y", "raw", "factor"),
    # Half of the squared error there, and the diagonal of softmax's Hessian; ours is twice that.
    [
        (SquaredError(), sklearn_loss.HalfSquaredError(), Y, RAW, 0.5),
        (AbsoluteError(), sklearn_loss.AbsoluteError(), Y, RAW, 1.0),
        (Huber(0.7), sklearn_loss.HuberLoss(delta=0.7), Y, RAW, 1.0),
        (Quantile(0.1), sklearn_loss.PinballLoss(quantile=0.1), Y, RAW, 1.0),
        (BinaryCrossEntropy(), sklearn_loss.HalfBinomialLoss(), LABELS * 1.0, RAW, 1.0),
        (CategoricalCrossEntropy(4), sklearn_loss.HalfMultinomialLoss(n_classes=4), CLASSES * 1.0, SCORES, 1.0),
    ],
    ids=lambda value: repr(value) if hasattr(value, "metric") else "",
)
def test_values_and_gradients_of_scikit_learns_own_losses(loss, oracle, y, raw, factor):
    value, gradient = oracle.loss_gradient(y, np.ascontiguousarray(raw))
    np.testing.assert_allclose(factor * loss.pointwise(y, raw), value, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(factor * loss.gradient(y, raw), gradient, rtol=1e-9, atol=1e-12)
    if loss.curvature_kind in ("exact", "bound"):
        hessian = oracle.gradient_hessian(y, np.ascontiguousarray(raw))[1]
        twice = 2.0 if loss.curvature_kind == "bound" else 1.0
        np.testing.assert_allclose(factor * loss.curvature(y, raw), twice * hessian, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(
    ("loss", "y", "lightgbm_metric", "xgboost_metric"),
    [
        (SquaredError(), Y, "l2", None),  # XGBoost has its root only
        (AbsoluteError(), Y, "l1", "mae"),
        (BinaryCrossEntropy(), LABELS, None, "logloss"),  # LightGBM's would see raw predictions
        (CategoricalCrossEntropy(4), CLASSES, None, "mlogloss"),
    ],
    ids=lambda value: repr(value) if hasattr(value, "metric") else "",
)
def test_our_metric_is_the_engines_own(loss, y, lightgbm_metric, xgboost_metric):
    from gbm_objectives.engines import lightgbm as on_lightgbm
    from gbm_objectives.engines import xgboost as on_xgboost

    X = np.column_stack([RAW, SCORES])
    if lightgbm_metric:
        data, seen = lgb.Dataset(X, y, weight=WEIGHT), {}
        params = {"metric": lightgbm_metric, "verbosity": -1, "num_threads": 1}
        on_lightgbm.train(
            params, data, loss=loss, num_boost_round=5, valid_sets=[data], callbacks=[lgb.record_evaluation(seen)]
        )
        np.testing.assert_allclose(seen["training"][loss.name], seen["training"][lightgbm_metric], rtol=1e-6)
    if xgboost_metric:
        matrix, history = xgb.DMatrix(X, y, weight=WEIGHT), {}
        params = {"eval_metric": xgboost_metric, "nthread": 1}
        on_xgboost.train(
            params,
            matrix,
            loss=loss,
            num_boost_round=5,
            evals=[(matrix, "t")],
            evals_result=history,
            verbose_eval=False,
        )
        np.testing.assert_allclose(history["t"][loss.name], history["t"][xgboost_metric], atol=2e-6)
