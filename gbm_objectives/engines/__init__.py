"""The engines: the only files that import LightGBM or XGBoost; they know no formula."""
