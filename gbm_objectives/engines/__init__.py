"""The engines: the only files that import LightGBM or XGBoost; they contain no loss formulas."""
