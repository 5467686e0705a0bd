"""What fit refuses, in words that name argument, rule and first offender."""

from __future__ import annotations

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRanker
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier, XGBRanker

from gbm_objectives import CategoricalCrossEntropy, GBMRegressor, Hinge, Huber

X20, Y20 = np.random.default_rng(0).random((20, 3)), np.arange(20.0)
L20 = np.resize(["a", "b"], 20)


@pytest.mark.parametrize(
    ("fit", "error", "message"),
    [
        (lambda e: e.regressor(Huber).fit(X20, Y20), TypeError, "write it with parentheses"),
        (lambda e: e.regressor(Huber(-1)).fit(X20, Y20), ValueError, "delta of Huber must be above 0"),
        (lambda e: e.regressor(CategoricalCrossEntropy(3)).fit(X20, Y20), ValueError, "must have one output"),
        (lambda e: e.regressor().fit(X20, [*Y20[:-1], np.nan]), ValueError, "finite numbers, got nan in row 19"),
        (lambda e: e.regressor().fit(X20, L20), ValueError, "y must be numbers"),
        (lambda e: e.regressor().fit(X20, Y20[:9]), ValueError, "inconsistent numbers of samples"),
        (lambda e: e.regressor().fit(X20, Y20, sample_weight=-Y20), ValueError, "not negative, got -1.0 in row 1"),
        (lambda e: e.regressor().fit(X20, Y20, typo=1), TypeError, "unexpected keyword argument 'typo'"),
        (lambda e: e.regressor().fit(X20, Y20, eval_set=[X20]), ValueError, r"eval_set\[0\] must be a pair"),
        (
            lambda e: e.regressor().fit(X20, Y20, eval_set=[(X20, Y20)], eval_sample_weight=[None, None]),
            ValueError,
            "eval_sample_weight has 2 entries for 1",
        ),
        (lambda e: e.regressor(objective="quantile").fit(X20, Y20), ValueError, "objective of estimator"),
        (lambda e: GBMRegressor(estimator=LGBMClassifier()).fit(X20, Y20), TypeError, "must be a regressor"),
        *(
            (
                lambda e, kind=kind: GBMRegressor(estimator=kind()).fit(X20, Y20),
                TypeError,
                f"must be a regressor, got {kind.__name__}",
            )
            for kind in (LGBMRanker, XGBRanker, XGBClassifier)
        ),
        (lambda e: GBMRegressor(estimator=StandardScaler()).fit(X20, Y20), TypeError, "lightgbm or xgboost"),
        (lambda e: e.classifier(Huber()).fit(X20, L20), ValueError, "must be one of class labels"),
        (lambda e: e.classifier(Hinge()).fit(X20, Y20 % 3), ValueError, "tells 2 classes apart, y has 3"),
        (
            lambda e: e.classifier(CategoricalCrossEntropy(4)).fit(X20, L20),
            ValueError,
            "tells 4 classes apart, y has 2",
        ),
        (
            lambda e: e.classifier().fit(X20, L20, eval_set=[(X20, np.resize(["a", "z"], 20))]),
            ValueError,
            r"eval_set\[0\]: y has a label unseen in training, .*'z'.* in row 1",
        ),
        (
            lambda e: e.regressor().fit(X20, Y20, init_model=e.regressor()),
            NotFittedError,
            "is not fitted yet",
        ),
        (
            lambda e: e.regressor().fit(X20, Y20, init_model=object()),
            (TypeError, AttributeError),
            "object|Booster|model",
        ),
        (
            lambda e: e.regressor().fit(X20, Y20 % 2, init_model=e.classifier().fit(X20, L20).booster_),
            ValueError,
            "was trained as 'binary.*goes on from .*'reg",
        ),
        (
            lambda e: e.classifier().fit(X20, L20, init_model=e.classifier().fit(X20, np.resize(["x", "y"], 20))),
            ValueError,
            "init_model knows the classes",
        ),
        (
            lambda e: e.regressor(Huber(1.0)).fit(X20, Y20, eval_set=[(X20, Y20)], eval_metric=Huber(2.0).metric),
            ValueError,
            "two metrics are named 'huber'",
        ),
        (
            lambda e: e.classifier(class_weight="balanced").fit(X20, np.full((20, 3), 1 / 3)),
            ValueError,
            "class_weight needs labels",
        ),
        (
            lambda e: e.regressor().fit(X20, Y20, eval_set=[(X20, Y20)], eval_names=["a", "b"]),
            ValueError,
            "eval_names has 2 entries for 1",
        ),
        (
            lambda e: e.classifier().fit(X20, np.array(["a", None] * 10, object)),
            ValueError,
            "got a missing value in row",
        ),
        (lambda e: e.classifier().fit(X20, np.full((20, 2), 0.7)), ValueError, "sum to 1"),
    ],
)
def test_errors(engine, fit, error, message):
    with pytest.raises(error, match=message):
        fit(engine)
