"""Poisson's distribution with more zeros, as a SciPy distribution; imported only on demand."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

__all__ = ["zero_inflated_poisson"]


class ZeroInflated(stats.rv_discrete):
    """0 with probability `inflation`, Poisson's with the mean `rate` otherwise."""

    def _argcheck(self, rate: Any, inflation: Any) -> Any:
        return (rate >= 0) & (inflation >= 0) & (inflation <= 1)

    def _pmf(self, k: Any, rate: Any, inflation: Any) -> Any:
        return inflation * (k == 0) + (1.0 - inflation) * stats.poisson.pmf(k, rate)

    def _logpmf(self, k: Any, rate: Any, inflation: Any) -> Any:
        with np.errstate(divide="ignore"):
            at_zero = np.log(inflation + (1.0 - inflation) * np.exp(-rate))
            return np.where(k == 0, at_zero, np.log1p(-inflation) + stats.poisson.logpmf(k, rate))

    def _cdf(self, k: Any, rate: Any, inflation: Any) -> Any:
        return np.where(k < 0, 0.0, inflation + (1.0 - inflation) * stats.poisson.cdf(k, rate))

    def _sf(self, k: Any, rate: Any, inflation: Any) -> Any:
        return np.where(k < 0, 1.0, (1.0 - inflation) * stats.poisson.sf(k, rate))

    def _ppf(self, q: Any, rate: Any, inflation: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            of_poisson = np.clip((q - inflation) / (1.0 - inflation), 0.0, 1.0)
        # Poisson's own is -1 at 0.
        return np.where(q <= inflation, 0.0, np.maximum(stats.poisson.ppf(of_poisson, rate), 0.0))

    def _stats(self, rate: Any, inflation: Any) -> Any:
        rest = 1.0 - inflation
        return rest * rate, rest * rate * (1.0 + inflation * rate), None, None

    def _rvs(self, rate: Any, inflation: Any, size: Any = None, random_state: Any = None) -> Any:
        return np.where(random_state.uniform(size=size) < inflation, 0, random_state.poisson(rate, size))


zero_inflated_poisson = ZeroInflated(name="zero_inflated_poisson", shapes="rate, inflation")
