"""Programs of torch.export: the same work as the module's own count, as its ONNX file, and as the generator of that name."""

import math
import zipfile
from collections import Counter

import pytest

import hwsim
from hwsim.core.errors import InvalidTrace

torch = pytest.importorskip("torch", reason="PyTorch is an extra, too large for the tests of every change")
pytestmark = pytest.mark.filterwarnings("ignore")
nn = torch.nn
F = nn.functional


class Calls(nn.Module):
    """A module of one function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *xs):
        return self.function(*xs)


def graph_of(module, *shapes, **options):
    return hwsim.graph_of(module if isinstance(module, nn.Module) else Calls(module), tuple(torch.zeros(s) for s in shapes), **options)


def kinds(graph):
    return [op.function or op.kind for op in graph.ops]


@pytest.mark.parametrize(
    ("module", "shape", "macs"),
    [
        (nn.Conv1d(4, 8, 3, padding="same", dilation=2), (2, 4, 20), 2 * 20 * 8 * 4 * 3),
        (nn.Conv2d(4, 8, (3, 5), stride=(2, 1), groups=2), (1, 4, 11, 11), 5 * 7 * 8 * 2 * 15),
        (nn.Conv3d(3, 8, (2, 4, 4), stride=(2, 4, 4)), (1, 3, 4, 16, 16), 2 * 4 * 4 * 8 * 3 * 32),
        (nn.ConvTranspose2d(8, 4, 3, stride=2, groups=2), (1, 8, 5, 5), 25 * 8 * 2 * 9), (nn.Linear(16, 4), (3, 5, 16), 15 * 64),
        (nn.LSTM(10, 8, 2, bidirectional=True), (7, 2, 10), 14 * 2 * 32 * ((10 + 8) + (16 + 8))),
        (nn.GRU(10, 8, batch_first=True), (2, 7, 10), 14 * 24 * 18), (nn.MultiheadAttention(32, 4, batch_first=True), None, None),
    ],
)  # fmt: skip
def test_layers(module, shape, macs):
    if isinstance(module, nn.MultiheadAttention):
        graph = graph_of(lambda x: module(x, x, x, need_weights=False)[0], (2, 6, 32))
        assert graph.macs == 2 * 6 * 32 * 32 * 4 + 2 * 2 * 6 * 6 * 32
        return
    graph = graph_of(module, shape)
    assert graph.macs == macs
    assert graph.meta["parameters"] == sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("function", "shapes", "made"),
    [
        (lambda x: x.view(6, 4).t().contiguous(), [(2, 3, 4)], ["copy"]), (lambda x, y: x + y * 2, [(3, 4), (3, 4)], ["scale", "add"]),
        (lambda x: x**2 + x**0.5, [(3, 4)], ["mul", "pow", "add"]), (lambda x: F.relu_(x.clone()), [(3, 4)], ["relu"]),
        (lambda x: torch.cat(x.split(2, 1)[::2], 1), [(3, 6)], ["embedding", "embedding", "concat"]),
        (lambda x: x.max(1)[0] + x.mean(1), [(3, 4)], ["max", "average", "add"]), (lambda x: x.half().sigmoid(), [(3, 4)], ["cast", "sigmoid"]),
        (lambda x: F.max_pool2d(F.avg_pool2d(x, 2), 3, 1, 1), [(1, 2, 8, 8)], ["average", "max"]),
        (lambda x: F.interpolate(x, scale_factor=2), [(1, 2, 4, 4)], ["embedding"]), (lambda x: x.topk(2)[0], [(3, 4)], ["embedding"]),
        (lambda x: F.layer_norm(x, (4,)) + F.group_norm(x[:, :, None], 1)[..., 0], [(3, 4)], ["layer", "layer", "add"]),
        (lambda x, y: torch.einsum("bij,bkj->bik", x, y), [(2, 3, 4), (2, 5, 4)], ["matmul"]), (lambda x: F.hardtanh(x, 0, 6), [(3,)], ["relu6"]),
        (lambda x: F.pad(x, (1, 1)).roll(1, 1), [(3, 4)], ["embedding", "embedding"]), (lambda x: x + torch.zeros_like(x), [(3, 4)], ["bias"]),
    ],
)  # fmt: skip
def test_functions(function, shapes, made):
    graph = graph_of(function, *shapes)
    assert sorted(kinds(graph)) == sorted(made)
    assert math.prod(graph.ops[-1].results[0]) == function(*(torch.zeros(s) for s in shapes)).numel()


class Rms(nn.Module):
    """A root mean square norm written out, in fp32 whatever it reads."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(8))

    def forward(self, x):
        y = x.float()
        return self.gain * (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-6)).to(x.dtype)


@pytest.mark.parametrize(
    ("function", "shapes", "made"),
    [
        (lambda x: 0.5 * x * (1 + torch.tanh(0.8 * (x + 0.04 * x**3))), [(3, 8)], ["gelu"]),
        (lambda x: x * 0.5 * (1.0 + torch.erf(x / 1.4)), [(3, 8)], ["gelu"]), (lambda x: x * torch.sigmoid(x), [(3, 8)], ["silu"]),
        (lambda x: x * F.relu6(x + 3) / 6, [(3, 8)], ["hardswish"]), (lambda x, y: F.silu(x) * y, [(3, 8), (3, 8)], ["silu_mul"]),
        (lambda x: 30 * torch.tanh(x / 30), [(3, 8)], ["tanh"]), (F.glu, [(3, 8)], ["embedding", "embedding", "sigmoid", "mul"]),
        (lambda x, y: F.cosine_similarity(x, y), [(3, 8), (3, 8)], ["mul", "average"] * 3 + ["mul", "div"]),
        (lambda x: torch.linalg.vector_norm(x, dim=-1), [(3, 8)], ["mul", "average", "sqrt"]), (torch.square, [(3, 8)], ["mul"]),
        (lambda x: F.adaptive_avg_pool2d(x, (3, 5)), [(1, 2, 8, 8)], ["embedding", "average"]), (torch.argsort, [(3, 8)], ["embedding"]),
        (lambda x: torch.cat([x[:, 8:], x], 1).relu(), [(3, 8)], ["relu"]), (torch.outer, [(3,), (8,)], ["embedding", "scale"]),
    ],
)  # fmt: skip
def test_functions_written_out_and_further_ones(function, shapes, made):
    graph = graph_of(function, *shapes)
    assert sorted(kinds(graph)) == sorted(made)
    assert math.prod(graph.ops[-1].results[0]) == function(*(torch.zeros(s) for s in shapes)).numel()


def test_norms_written_out():
    (op,) = hwsim.graph_of(Rms(), (torch.zeros(2, 3, 8),)).ops
    assert (op.function, op["rows"], op["weights"]) == ("rms", 6, 1)
    (op,) = hwsim.graph_of(Rms().half(), (torch.zeros(2, 3, 8, dtype=torch.half),)).ops
    assert (op.function, op.dtype, op["weights"]) == ("rms", "fp16", 1)
    assert len(hwsim.graph_of(Rms(), (torch.zeros(2, 3, 8),), fuse=False).ops) > 5


@pytest.mark.parametrize(
    ("module", "shapes", "macs"),
    [
        (nn.RNN(10, 8, 2, bidirectional=True), [(5, 3, 10)], 5 * 3 * 16 * ((10 + 8) + (16 + 8))),
        (nn.LSTM(10, 8, 2, proj_size=4, batch_first=True), [(3, 5, 10)], 15 * (32 * (10 + 4) + 32 + 32 * (4 + 4) + 32)),
        (nn.LSTMCell(10, 8), [(3, 10)], 3 * 32 * 18), (nn.GRUCell(10, 8), [(3, 10)], 3 * 24 * 18), (nn.Bilinear(4, 5, 6), [(3, 4), (3, 5)], 3 * 150),
    ],
)  # fmt: skip
def test_recurrent_layers_and_cells(module, shapes, macs):
    graph = graph_of(lambda *xs: module(*xs)[0] if isinstance(module, nn.RNNBase) else module(*xs), *shapes)
    held = sum(t.elements for t in graph.tensors.values() if t.role == "weight")
    assert graph.macs == macs
    if isinstance(module, nn.RNN):  # the weights of all steps are one; a runtime adds both biases
        assert held == sum(p.numel() for p in module.parameters())


def test_bags_and_rows_added():
    bag = nn.EmbeddingBag(20, 4, mode="sum")
    graph = hwsim.graph_of(bag, (torch.zeros(3, 5, dtype=torch.long),))
    assert (graph.ops[0].kind, graph.ops[0].results[0]) == ("embedding", (15, 4)) and graph.ops[-1].results[0][0] == 12
    rows = torch.zeros(6, dtype=torch.long)
    added = hwsim.graph_of(Calls(lambda x, y, i: x.index_add(0, i, y)), (torch.zeros(9, 4), torch.zeros(6, 4), rows))
    assert kinds(added) == ["embedding", "add", "embedding"]


def test_a_mask_made_of_positions_is_causal():
    def attend(q, k, v):
        places = torch.arange(6)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=(places[:, None] >= places[None, :]).expand(2, 1, 6, 6))

    (op,) = graph_of(attend, (2, 4, 6, 8), (2, 4, 6, 8), (2, 4, 6, 8)).ops
    assert op["causal"] == 1 and op.macs == 2 * 2 * 4 * 8 * 21


def test_sizes_that_depend_on_values():
    with pytest.raises(InvalidTrace, match="sizes that depend on the values"):
        graph_of(lambda x: x[x > 0], (3, 4))


def test_tied_weights_of_a_file_count_once(tmp_path):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.head = nn.Embedding(10, 4), nn.Linear(4, 10, bias=False)
            self.head.weight = self.table.weight

        def forward(self, ids):
            return self.head(self.table(ids))

    ids = torch.zeros(1, 3, dtype=torch.long)
    torch.export.save(torch.export.export(Tied(), (ids,)), tmp_path / "tied.pt2")
    assert hwsim.load_graph(tmp_path / "tied.pt2").parameters == hwsim.graph_of(Tied(), (ids,)).parameters == 40


@pytest.mark.parametrize("causal", [False, True])
def test_attention(causal):
    graph = graph_of(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=causal), (2, 4, 6, 8), (2, 4, 6, 8), (2, 4, 6, 8))
    (op,) = graph.ops
    assert (op["batch"], op["heads"], op["causal"]) == (2, 4, int(causal))
    assert graph.macs == 2 * 2 * 4 * 8 * (21 if causal else 36)
    by_hand = graph_of(lambda q, k, v: ((q @ k.transpose(-2, -1)) / 8**0.5).softmax(-1) @ v, (2, 4, 6, 8), (2, 4, 6, 8), (2, 4, 6, 8))
    assert kinds(by_hand) == ["attention"] and by_hand.macs == 2 * 2 * 4 * 8 * 36


def test_what_is_refused():
    with pytest.raises(InvalidTrace, match=r"2 operators are not known: 2 x aten.special_bessel_j0 \(special_bessel_j0, special_bessel_j0_1\)"):
        graph_of(lambda x: torch.special.bessel_j0(x) + torch.special.bessel_j0(x.relu()), (3, 3))
    allowed = graph_of(lambda x: torch.special.bessel_j0(x.relu()).relu(), (3, 3), allow_unknown=True)
    assert kinds(allowed) == ["relu", "relu"] and "bessel" in allowed.meta["note"]
    with pytest.raises(InvalidTrace, match=r"torch\.export refuses Calls"):
        graph_of(lambda x: x if x.sum() > 0 else -x, (3, 3))
    batch = torch.export.Dim("batch", min=2)
    program = torch.export.export(nn.Linear(4, 2), (torch.zeros(3, 4),), dynamic_shapes=({0: batch},))
    with pytest.raises(InvalidTrace, match="open sizes"):
        hwsim.load_graph(program)
    with pytest.raises(InvalidTrace, match="has no option 'batch'"):
        hwsim.load_graph(program, batch=2)
    with pytest.raises(InvalidTrace, match="computed has no model"):
        graph_of(F.conv2d, (1, 2, 4, 4), (3, 2, 2, 2))


def test_files_and_programs_give_the_same_graph(tmp_path):
    program = torch.export.export(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()).eval(), (torch.zeros(1, 3, 8, 8),))
    torch.export.save(program, tmp_path / "net.pt2")
    graph = hwsim.load_graph(tmp_path / "net.pt2", dtype="fp16", weight_dtype="int8")
    assert kinds(graph) == ["conv2d", "batch_norm", "relu"] and graph.name == "net"
    assert graph.ops == hwsim.load_graph(program, dtype="fp16", weight_dtype="int8").ops
    assert (graph.ops[0].dtype, graph.ops[0].weight_dtype) == ("fp16", "int8")
    (tmp_path / "bad.pt2").write_bytes(b"no program")
    with pytest.raises(InvalidTrace, match=r"bad.pt2: is no exported PyTorch program"):
        hwsim.load_graph(tmp_path / "bad.pt2")
    with pytest.raises(InvalidTrace, match=r"none.pt2: no such file"):
        hwsim.load_graph(tmp_path / "none.pt2")
    torch.save(nn.Linear(2, 2), tmp_path / "pickled.pt2")
    with pytest.raises(InvalidTrace, match=r"pickled.pt2: holds pickled objects"):
        hwsim.load_graph(tmp_path / "pickled.pt2")


@pytest.mark.parametrize("gone", ["model.json", "weights", "archive_version"])
def test_archives_with_a_part_missing_are_refused(tmp_path, gone):
    torch.export.save(torch.export.export(nn.Linear(4, 2), (torch.zeros(3, 4),)), tmp_path / "whole.pt2")
    with zipfile.ZipFile(tmp_path / "whole.pt2") as whole, zipfile.ZipFile(tmp_path / "part.pt2", "w") as part:
        kept = [name for name in whole.namelist() if gone not in name]
        assert len(kept) < len(whole.namelist())
        for name in kept:
            part.writestr(name, whole.read(name))
    with pytest.raises(InvalidTrace, match=r"part.pt2: cannot be read by torch.export.load"):
        hwsim.load_graph(tmp_path / "part.pt2")


@pytest.mark.parametrize(
    ("module", "inputs", "message"),
    [
        ("no module", (), "takes a module of torch.nn, got str"), (nn.Linear(2, 2), 5, "inputs of Linear as a tuple, got int"),
        (nn.Linear(2, 2), ("x",), "torch.export refuses Linear"), (nn.Linear(2, 2), (torch.zeros(2), torch.zeros(2)), "torch.export refuses Linear"),
    ],
)  # fmt: skip
def test_what_is_no_module_or_no_input(module, inputs, message):
    with pytest.raises(InvalidTrace, match=message):
        hwsim.graph_of(module, inputs)


@pytest.mark.parametrize(("name", "generator"), [("resnet18", "resnet18"), ("mobilenet_v2", "mobilenet-v2"), ("vgg16", "vgg16")])
def test_networks_have_the_work_of_their_generators(name, generator):
    models = pytest.importorskip("torchvision").models
    with torch.device("meta"):
        module, image = getattr(models, name)(weights=None), torch.zeros(1, 3, 224, 224)
    graph, made = hwsim.graph_of(module, (image,)), hwsim.load_graph(generator)
    assert graph.macs == made.macs
    assert graph.meta["parameters"] == sum(p.numel() for p in module.parameters())
    assert Counter(op.kind for op in graph.ops if op.macs) == Counter(op.kind for op in made.ops if op.macs)


@pytest.mark.parametrize("style", ["eager", "sdpa"])
def test_language_models(style):
    t = pytest.importorskip("transformers")
    sizes = {"num_hidden_layers": 2, "hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 8, "num_key_value_heads": 2}
    module = t.LlamaForCausalLM(t.LlamaConfig(vocab_size=1000, use_cache=False, attn_implementation=style, **sizes))
    graph = hwsim.graph_of(module, (torch.zeros(1, 16, dtype=torch.long),))
    products = 16 * (2 * (256 * 256 * 2 + 2 * 256 * 64 + 3 * 256 * 512) + 256 * 1000)
    attention = [op for op in graph.ops if op.kind == "attention"]
    assert [(op["heads"], op["q"], op["kv"], op["head_dim"]) for op in attention] == [(8, 16, 16, 32)] * 2
    assert graph.macs == products + sum(op.macs for op in attention)
    assert graph.meta["parameters"] == sum(p.numel() for p in module.parameters())


def test_a_model_that_returns_its_cache_is_told_how_not_to():
    t = pytest.importorskip("transformers")
    module = t.LlamaForCausalLM(t.LlamaConfig(vocab_size=50, num_hidden_layers=1, hidden_size=32, intermediate_size=32, num_attention_heads=2))
    ids = torch.zeros(1, 4, dtype=torch.long)
    try:
        assert hwsim.graph_of(module, (ids,)).macs > 0  # versions of transformers that register their caches
    except InvalidTrace as refused:
        assert "module.config.use_cache = False" in str(refused)
        module.config.use_cache = False
        assert hwsim.graph_of(module, (ids,)).macs > 0


def test_a_module_has_the_work_of_its_onnx_file(tmp_path):
    pytest.importorskip("onnx")
    convolutions = nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1, groups=8)
    module = nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
    torch.onnx.export(module.eval(), (torch.zeros(1, 3, 16, 16),), str(tmp_path / "net.onnx"), dynamo=False)
    read, made = hwsim.load_graph(tmp_path / "net.onnx"), graph_of(module, (1, 3, 16, 16))
    assert (read.macs, read.meta["parameters"]) == (made.macs, made.meta["parameters"])
    assert kinds(read) == kinds(made)
