"""How much each feature counts in a fitted model, and in each of its outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..contract import Loss
from ..engines.registry import engine_of
from ..validation import shown

__all__ = ["Importances"]


class Importances:
    """The importances of `GBMRegressor` and `GBMClassifier`."""

    loss_: Loss
    booster_: Any
    estimator_: Any

    @property
    def feature_importances_(self) -> np.ndarray:
        """Importance of each feature, of the kind that the estimator's `importance_type` names."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.feature_importances_)

    def feature_importances(
        self, output: int | str | None = None, importance_type: str | None = None
    ) -> np.ndarray:
        """Return the importance of each feature for one output: what moves the spread, say, or one quantile.

        Parameters
        ----------
        output : int or str, optional
            The output: its number, or its name, such as "scale" of a distribution, "q0.95" of `MultiQuantile` or
            a class, if labels are strings. By default all of them.
        importance_type : str, optional
            The engine's name of what is added up over the splits of the output's trees. LightGBM: "split", their
            number, or "gain". XGBoost: "weight", their number, "total_gain" or "total_cover"; "gain" and "cover"
            are their means. By default that of the estimator.

        Returns
        -------
        ndarray of shape (n_features,)
            Importances as the native model gives them. Those of all outputs add up to the model's, but for
            XGBoost's means. `feature_importances_` of XGBoost is divided by its sum.

        Raises
        ------
        ValueError
            If there is no such output or kind, or the model has no trees, or not trees for each output.
        TypeError
            If `output` is neither a number nor a name.

        Examples
        --------
        >>> import numpy as np
        >>> from lightgbm import LGBMRegressor
        >>> from gbm_objectives import GBMRegressor
        >>> from gbm_objectives.distributions import Normal
        >>> rng = np.random.default_rng(0)
        >>> X = rng.uniform(-1, 1, (1000, 2))
        >>> y = 3 * X[:, 0] + np.exp(X[:, 1]) * rng.standard_normal(1000)
        >>> model = GBMRegressor(Normal(), LGBMRegressor(n_estimators=50, verbosity=-1)).fit(X, y)
        >>> [int(model.feature_importances(name, "gain").argmax()) for name in ("loc", "scale")]
        [0, 1]
        """
        check_is_fitted(self)
        _, engine = engine_of(self.estimator_)
        kind = self.estimator_.importance_type if importance_type is None else importance_type
        return engine.importances(self.booster_, kind, None if output is None else self._number_of(output))

    def _number_of(self, output: int | str) -> int:
        """Return the number of an output."""
        names = [one.name for one in self.loss_.outputs or ()]
        if not names and self.loss_.n_outputs > 1:
            names = [label for label in getattr(self, "classes_", np.array([])).tolist() if isinstance(label, str)]
        if isinstance(output, str):
            if output not in names:
                known = f"one of {', '.join(map(repr, names))}" if names else "a number: they have no names"
                raise ValueError(f"output must be {known}, got {shown(output)}")
            return names.index(output)
        if isinstance(output, bool) or not isinstance(output, (int, np.integer)):
            raise TypeError(f"output must be a number or a name, got {shown(output)}")
        if not 0 <= output < self.loss_.n_outputs:
            raise ValueError(f"output must be 0 to {self.loss_.n_outputs - 1}, got {shown(output)}")
        return int(output)
