"""Runs, metrics and artifacts in MLflow; nothing else imports mlflow."""
