"""INT8 and INT4 forms of an ONNX graph: which products and tables it has, and how each is written again."""
