"""Networks by name: multiply-accumulates and parameters are the published ones within 1 %."""

import pytest

from hwsim.readers.load import load_graph, trace_names

# multiply-accumulates (1e9) and parameters (1e6) of one image of 224 x 224, of one sequence of 128 tokens, or of one token:
# torchvision's model tables (ResNet, ResNeXt, MobileNetV2, VGG, EfficientNet, DenseNet, ViT; VGG and the like count convolutions and products);
# arXiv 1704.04861 table 8 (MobileNetV1: 569 M, 4.2 M with 1000 classes: 4.23);
# VoVNet-39: 7.07 and, in convolutions, 21.6, derived from the layer rules of stigma0617/VoVNet.pytorch @039d9dc (timm's list of measured models has
# the same work within 1 %); beside them a classifier of 1024 x 1000 and its bias;
# google-bert/bert-base-uncased and openai-community/gpt2 on the Hugging Face hub (parameters), products counted from their configurations
PUBLISHED = {
    "resnet18": (1.814, 11.690), "resnet50": (4.089, 25.557), "mobilenet-v1": (0.569, 4.232), "mobilenet-v2": (0.301, 3.505),
    "vgg16": (15.470, 138.358), "efficientnet-b0": (0.386, 5.289), "resnext50-32x4d": (4.230, 25.029), "densenet121": (2.834, 7.979),
    "vovnet39a": (7.07, 21.6 + 1.025), "bert-base": (11.174, 109.482), "vit-b16": (17.564, 86.568),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_counts_are_the_published_ones(name):
    work, held = PUBLISHED[name]
    graph = load_graph(name)
    assert graph.macs / 1e9 == pytest.approx(work, rel=0.01)
    assert graph.parameters / 1e6 == pytest.approx(held, rel=0.01)


def test_gpt2_has_124_million_parameters():
    graph = load_graph("gpt2", phase="decode", context=1)
    assert graph.parameters / 1e6 == pytest.approx(124.44, rel=0.01)
    products = 12 * 12 * 768**2 + 768 * 50257
    assert graph.macs == pytest.approx(products + 2 * 12 * 768, rel=1e-9)


def test_all_are_listed():
    assert {*PUBLISHED, "gpt2"} - {"resnet50"} <= {*trace_names()}
