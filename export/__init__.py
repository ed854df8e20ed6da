"""ONNX and INT8 exports, measured; nothing else imports onnx, onnxruntime or optimum."""

import os

# Read when onnxruntime is loaded: it would keep a device id in the user's cache and report its use to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
