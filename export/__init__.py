"""ONNX and INT8 exports, measured; nothing else imports onnx, onnxruntime or optimum."""
