"""Readers of the files of machine-learning frameworks: ONNX models and exported PyTorch programs."""
