"""The pair that the engines get for the hinge loss."""

from __future__ import annotations

import numpy as np
import pytest

from gbm_objectives import Hinge

RAW = np.array([-3.0, 0.9, 0.9375, 1.0, 1.0625, 1.1, 5.0])


@pytest.mark.parametrize("label", [1.0, -1.0])
def test_the_kink_is_in_the_middle_of_the_width(label):
    gradient, _ = Hinge().gradient_hessian(np.full(7, label), label * RAW)
    np.testing.assert_allclose(gradient, 0.25 * -label * np.array([1, 1, 1, 0.5, 0, 0, 0]), atol=1e-7)


def test_all_rows_have_the_largest_curvature_of_the_logistic_loss():
    """LightGBM counts rows by it, and with more a single row has XGBoost's `min_child_weight`."""
    _, hessian = Hinge().gradient_hessian(np.ones(7), RAW)
    np.testing.assert_array_equal(hessian, np.float32(0.25))


def test_a_constant_hessian_is_one():
    gradient, hessian = Hinge(hessian="constant").gradient_hessian(np.ones(7), RAW)
    np.testing.assert_array_equal(gradient, [-1, -1, -1, -0.5, 0, 0, 0])
    np.testing.assert_array_equal(hessian, np.float32(1))
