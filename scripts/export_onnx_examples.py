"""Exports the ONNX files that tests read (tests/data/onnx): needs torch, torchvision, transformers and onnxruntime, which hwsim does not.

Weights are left out: a reader of shapes needs none, and the files stay small.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
import torchvision
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.transformers import optimizer
from torch import nn
from transformers import BertConfig, BertModel, GPT2Config, GPT2Model, LlamaConfig, LlamaForCausalLM

KEPT, MASK = 64, 256  # elements of a tensor that stays, and of a mask
IMAGE = torch.zeros(1, 3, 224, 224)
LLAMA = {
    "num_hidden_layers": 2, "hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 8, "num_key_value_heads": 2, "vocab_size": 1000,
    "max_position_embeddings": 64,
}  # fmt: skip
BERT = {"num_hidden_layers": 1, "hidden_size": 128, "intermediate_size": 256, "num_attention_heads": 4, "vocab_size": 1000}
TOKENS = torch.zeros(1, 128, dtype=torch.long)


def strip(path: Path) -> None:
    """Leave out large stored tensors and all notes of the exporter."""
    model = onnx.load(str(path), load_external_data=False)
    for tensor in model.graph.initializer:
        mask = list(tensor.dims[:2]) == [1, 1] and len(tensor.dims) == 4 and int(np.prod(tensor.dims)) <= MASK
        if mask and tensor.data_location:
            onnx.external_data_helper.load_external_data_for_tensor(tensor, str(path.parent))
            tensor.ClearField("external_data")
            tensor.data_location = 0
        elif int(np.prod(tensor.dims)) > KEPT and not mask:
            for field in ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "external_data"):
                tensor.ClearField(field)
            tensor.data_location = 0
    del model.metadata_props[:], model.graph.metadata_props[:]
    for node in model.graph.node:
        node.ClearField("doc_string")
        del node.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    del model.graph.value_info[:]
    onnx.save(model, str(path))
    path.with_name(path.name + ".data").unlink(missing_ok=True)


class Recurrent(nn.Module):
    """Two layers of a bidirectional LSTM, a GRU, a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.gru, self.out = nn.LSTM(40, 32, 2, bidirectional=True, batch_first=True), nn.GRU(64, 16), nn.Linear(16, 12)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y, _ = self.lstm(x)
        z, _ = self.gru(y.transpose(0, 1))
        return self.out(z[-1])


class Mixed(nn.Module):
    """One of many operators: a sequence and an image, convolved, transposed, enlarged, pooled, joined."""

    def __init__(self) -> None:
        super().__init__()
        self.sequence = nn.Sequential(nn.Conv1d(3, 16, 5, padding=2, stride=2), nn.BatchNorm1d(16), nn.ELU(), nn.MaxPool1d(2), nn.Conv1d(16, 24, 3))
        self.image = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1, dilation=2), nn.SiLU(), nn.ConvTranspose2d(8, 4, 4, stride=2, padding=1),
            nn.Upsample(scale_factor=2, mode="bilinear"), nn.Hardswish(), nn.AvgPool2d(3, 2, ceil_mode=True), nn.GroupNorm(2, 4),
            nn.AdaptiveAvgPool2d(1),
        )  # fmt: skip

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        a, b = nn.functional.gelu(self.sequence(x)).mean(-1), self.image(y).flatten(1)
        return torch.cat([a, b], 1).softmax(-1).topk(3)[0]


class Small(nn.Module):
    """Three convolutions, one of them depthwise, a residual sum, a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.ReLU(), nn.Conv2d(8, 16, 1))
        self.out = nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.features(x)
        return self.out((y + y.relu()).mean((2, 3)))


class Encoder(nn.Module):
    """BERT's hidden states alone."""

    def __init__(self) -> None:
        super().__init__()
        self.bert = BertModel(BertConfig(**BERT, attn_implementation="eager"), add_pooling_layer=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.bert(ids).last_hidden_state


class Samples(CalibrationDataReader):  # type: ignore[misc]
    """Random images for the ranges of static quantisation."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.images = iter([{"image": rng.random((1, 3, 32, 32), np.float32)} for _ in range(4)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.images, None)


def export(folder: Path, name: str, module: nn.Module, args: tuple[torch.Tensor, ...], dynamo: bool = False, **options: object) -> Path:
    """Export a module with the older exporter, or with the newer (`dynamo`)."""
    path = folder / f"{name}.onnx"
    torch.onnx.export(module.eval(), args, str(path), dynamo=dynamo, **({} if dynamo else {"opset_version": 17}), **options)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("tests/data/onnx"))
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    warnings.simplefilter("ignore")
    image: dict[str, object] = {"input_names": ["image"], "dynamic_axes": {"image": {0: "batch"}}}
    for name in ("resnet18", "mobilenet_v2"):
        strip(export(folder, name, getattr(torchvision.models, name)(weights=None), (IMAGE,), **image))
    eager = BertModel(BertConfig(num_hidden_layers=2, attn_implementation="eager"))
    strip(export(folder, "bert_2_layers", eager, (TOKENS,), dynamo=True))
    strip(export(folder, "gpt2_2_layers", GPT2Model(GPT2Config(n_layer=2, use_cache=False)), (TOKENS,), dynamo=True))
    strip(export(folder, "llama_2_layers", LlamaForCausalLM(LlamaConfig(**LLAMA, use_cache=False)), (TOKENS[:, :16],), dynamo=True))
    plain = export(folder, "bert_fused", Encoder(), (TOKENS[:, :16],), input_names=["ids"])
    optimizer.optimize_model(str(plain), model_type="bert", num_heads=4, hidden_size=128, opt_level=0).save_model_to_file(str(plain))
    strip(plain)
    strip(export(folder, "recurrent", Recurrent(), (torch.zeros(2, 50, 40),)))
    strip(export(folder, "mixed", Mixed(), (torch.zeros(2, 3, 100), torch.zeros(2, 1, 32, 32))))
    strip(export(folder, "mixed_dynamo", Mixed(), (torch.zeros(2, 3, 100), torch.zeros(2, 1, 32, 32)), dynamo=True))
    small = export(folder, "small", Small(), (torch.zeros(1, 3, 32, 32),), input_names=["image"])
    for form in (QuantFormat.QDQ, QuantFormat.QOperator):
        quantize_static(str(small), str(folder / f"small_{form.name.lower()}.onnx"), Samples(), quant_format=form, per_channel=True)
    quantize_dynamic(str(small), str(folder / "small_dynamic.onnx"), weight_type=QuantType.QInt8)
    for path in folder.glob("small*.onnx"):
        strip(path)


if __name__ == "__main__":
    main()
