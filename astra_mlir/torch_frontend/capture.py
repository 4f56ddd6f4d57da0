"""A PyTorch function or module to a program: traced on fake tensors, imported by torch-mlir, lowered to StableHLO.

The first arrow of the path for PyTorch users.  Two traces make the graph: the first follows the function as written
(views, assignments in place, gradient modes; ``torch_frontend/rules.py`` keeps what differentiation needs to know), the
second makes it functional and decomposes its operations.  torch-mlir's importer then gives the torch dialect, and its
conversion StableHLO; operations that are Astra's own pass through both as calls of declared functions.
"""

from __future__ import annotations

import contextlib
import math
import operator
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
)
from torch.fx import GraphModule, Interpreter
from torch.fx import traceback as fx_traceback
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import _disable_current_modes

from astra_mlir.errors import UnsupportedError
from astra_mlir.program import Program
from astra_mlir.torch_frontend import decompositions as torch_decompositions
from astra_mlir.torch_frontend.arrays import array_of
from astra_mlir.torch_frontend.lowering import lowered
from astra_mlir.torch_frontend.markers import Rule, Traced, is_inexact, is_user_file, marker_results, node_place
from astra_mlir.torch_frontend.rules import KeepRules, RecordPlaces, recording

__all__ = ["Captured", "capture", "is_tracing", "name_of", "running_trace"]

# Tensors made inside of the function stay in the program below this size; larger ones become hidden arguments.
_HOISTED_BYTES = 64 * 1024


# The trace that runs in this thread or task: transformations called in it become a part of it.
_running: ContextVar[_Trace | None] = ContextVar("astra_torch_trace", default=None)
_lock = threading.RLock()  # tracing changes PyTorch for the whole process


@dataclass(frozen=True)
class Captured:
    """What tracing gave: a program over flat tensors, and the structure around it.

    The arguments of ``program.entry`` are the tensors among the leaves of ``(args, kwargs)``, in the order of
    ``torch.utils._pytree.tree_flatten`` (``in_positions`` says which leaves), then ``hidden``: the parameters, buffers
    and other tensors that the function closes over.  ``program.constants`` are NumPy arrays over the memory of
    ``hidden``, so the program can be called without them (none where these are on a GPU).  Leaves that are no tensors
    are part of the program; they stand in ``static``, which has None in the places of tensors.

    The results are the tensors among the leaves of the function's result, each once: ``out_leaves`` has for each leaf
    the number of its result, or ``(value,)`` for a leaf that is no tensor.  After these come the new values of the
    arguments in ``written`` (numbers of entry arguments, hidden ones included) that the function changes in place.
    """

    program: Program
    in_tree: Any
    in_positions: tuple[int, ...]
    static: tuple[Any, ...]
    hidden: tuple[torch.Tensor, ...] = field(repr=False)
    out_tree: Any
    out_leaves: tuple[int | tuple[Any], ...]
    written: tuple[int, ...]

    @property
    def out_count(self) -> int:
        """How many results are results of the function."""
        return sum(isinstance(leaf, int) for leaf in self.out_leaves)

    def result(self, tensors: Sequence[Any]) -> Any:
        """The function's result around the program's results (those after ``out_count`` are not looked at)."""
        leaves = [tensors[leaf] if isinstance(leaf, int) else leaf[0] for leaf in self.out_leaves]
        return pytree.tree_unflatten(leaves, self.out_tree)


def capture(
    function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any] | None = None, *,
    keep_rules: bool = False, input_paths: Sequence[str] = (), on_gpu: bool = False,
) -> Captured:  # fmt: skip
    """The program of ``function(*args, **kwargs)``, a PyTorch function or ``torch.nn.Module``.

    Tensors among the arguments stand for their shape and element type (those on the device ``meta`` will do); other
    leaves are part of the program.  With ``keep_rules`` the program is one to differentiate: ``detach`` and
    ``torch.no_grad`` stay as ``astra.stop_gradient``, ``torch.autograd.Function`` as ``astra.custom_vjp``, and
    operations are decomposed such that derivatives at kinks and ties are PyTorch's; every float or complex argument
    then counts as one that requires a gradient.

    Raises what the function raises while it is traced, and :class:`UnsupportedError`, with the place in the source, for
    control flow that depends on values, random numbers, operations without a lowering, and, with ``keep_rules``, for
    what cannot be kept and would give other gradients than PyTorch's.
    """
    leaves, in_tree = pytree.tree_flatten((tuple(args), dict(kwargs or {})))
    static = tuple(None if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves)
    positions = tuple(i for i, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor))
    name = name_of(function)
    trace = _Trace(name, on_gpu)
    structure: dict[str, Any] = {}

    def flat(*tensors: torch.Tensor) -> list[torch.Tensor]:
        for position, tensor in zip(positions, tensors, strict=True):
            leaves[position] = tensor
        given_args, given_kwargs = pytree.tree_unflatten(leaves, in_tree)
        found, structure["tree"] = pytree.tree_flatten(function(*given_args, **given_kwargs))
        results: list[torch.Tensor] = []
        structure["leaves"] = tuple(_numbered(leaf, results) for leaf in found)
        return results

    with _lock, trace.names(), trace.running():
        graph, hidden, written = trace.run(flat, [leaves[i] for i in positions], keep_rules)
        if keep_rules and written:
            raise UnsupportedError(
                f"{name}: the function changes an argument, or a tensor that it closes over, in place (buffers of a "
                "module in training mode?); a function to differentiate gives new values as results"
            )
        module = lowered(graph, trace.rules)
    count = len(positions)
    paths = [input_paths[i] if i < len(input_paths) else f"argument {i}" for i in range(count)]
    paths += [f"closed-over tensor {i}" for i in range(len(hidden))]
    program = replace(
        Program.from_module(module, "main", paths), name=name,
        constants=tuple(map(array_of, hidden)) if all(tensor.device.type == "cpu" for tensor in hidden) else (),
    )  # fmt: skip
    return Captured(program, in_tree, positions, static, hidden, structure["tree"], structure["leaves"], written)


def is_tracing() -> bool:
    """Whether a function is being captured now, in this thread or task."""
    return _running.get() is not None


def running_trace() -> _Trace:
    """The trace that runs in this thread or task."""
    trace = _running.get()
    assert trace is not None, "called while a function is captured"
    return trace


def name_of(function: Any) -> str:
    """What messages call a function or module."""
    return getattr(function, "__name__", type(function).__name__)


def _numbered(leaf: Any, results: list[torch.Tensor]) -> int | tuple[Any, ...]:
    if not isinstance(leaf, torch.Tensor):
        return (leaf,)
    if leaf.layout != torch.strided:
        raise UnsupportedError(f"a result has the layout {leaf.layout}; give dense tensors (.to_dense())")
    results.append(leaf.resolve_conj().resolve_neg())
    return len(results) - 1


# --- tracing -----------------------------------------------------------------------------------------------------


class _Trace:
    """The tracing of one function: fake tensors of one mode, and the rules found on the way."""

    def __init__(self, name: str, on_gpu: bool = False) -> None:
        self.name, self.on_gpu = name, on_gpu
        self.fake_mode = FakeTensorMode(allow_non_fake_inputs=True)
        self.rules: dict[int, Rule] = {}
        self.real: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}  # fake and real tensors, by the id of the fake one

    @contextlib.contextmanager
    def names(self) -> Iterator[None]:
        """Turn what PyTorch raises for values that are not known while tracing into refusals with a place."""
        try:
            yield
        except _VALUE_NEEDED as error:
            raise UnsupportedError(self._needs_value(error)) from error
        except RuntimeError as error:
            if "a leaf Variable that requires grad" in str(error):
                raise UnsupportedError(
                    f"{_place_of(error)}: the function changes an argument in place and is transformed; work on a copy "
                    "(.clone()), or give the new value as a result"
                ) from error
            if not any(text in str(error) for text in _VALUE_NEEDED_TEXTS):
                raise
            raise UnsupportedError(self._needs_value(error)) from error
        finally:
            for number in self.rules:
                marker_results.pop(number, None)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """While active, transformations become a part of this trace."""
        token = _running.set(self)
        try:
            yield
        finally:
            _running.reset(token)

    def _needs_value(self, error: Exception) -> str:
        place = _place_of(error)
        operation = getattr(error, "func", None)
        if isinstance(error, DynamicOutputShapeException):
            return (
                f"{place}: the shape of the result of {operation}, in '{self.name}', depends on values, and compiled "
                "code has shapes known before it runs; use a form of fixed shape (torch.where, a mask)"
            )
        return (
            f"{place}: Python needs the value of a tensor here, in '{self.name}' (if, while, int(), .item()), which is "
            "known only when the compiled code runs; use torch.where, or compute it outside and pass it as a number"
        )

    def fakes(self, tensors: Sequence[torch.Tensor], keep: bool) -> list[torch.Tensor]:
        """Contiguous fake tensors of these shapes and types; those with derivatives require gradients if ``keep``."""
        for tensor in tensors:
            _check_supported(tensor, self.on_gpu)
        with self.fake_mode:
            return [
                torch.empty(t.shape, dtype=t.dtype, requires_grad=keep and is_inexact(t)) for t in tensors
            ]  # fmt: skip

    def run(
        self, function: Callable[..., list[torch.Tensor]], tensors: Sequence[torch.Tensor], keep: bool
    ) -> tuple[GraphModule, tuple[torch.Tensor, ...], tuple[int, ...]]:
        """The functional graph of ``function(*tensors)`` over core operations, which takes hidden tensors last.

        Also gives these tensors, and the numbers of the arguments whose new values are its last results.
        """
        mode = KeepRules(self.part, self.rules, self.fake) if keep else RecordPlaces(self.fake)

        def recorded(*values: torch.Tensor) -> list[torch.Tensor]:
            with recording(mode):
                return [self._tracked(value) for value in function(*values)]

        fakes = self.fakes(tensors, keep)
        with _tracing(self.fake_mode), torch.enable_grad():
            written_as = make_fx(recorded, _allow_non_fake_inputs=True)(*fakes)
        _refuse_randomness(written_as)
        literals, hidden = _lift(written_as, self.real)
        arguments = self.fakes([*tensors, *hidden, *literals], False)
        table = torch_decompositions.table(keep)
        functional = torch.func.functionalize(_Again(written_as).run, remove="mutations")
        with _tracing(self.fake_mode), torch.no_grad():
            graph = make_fx(functional, table)(*arguments)
        written = _move_writes(graph)
        _put_literals(graph, len(tensors) + len(hidden), literals)
        graph.graph.eliminate_dead_code()
        _make_numbers_floats(graph)
        graph.recompile()
        return graph, tuple(hidden), written

    def fake(self, tensor: torch.Tensor) -> torch.Tensor:
        """The fake tensor that stands for a tensor which the function closes over."""
        if isinstance(tensor, FakeTensor):
            return tensor
        _check_supported(tensor, self.on_gpu)
        fake: torch.Tensor
        if tensor.device.type == "cuda":  # a program has one device, which all fake tensors are on
            with self.fake_mode:
                fake = torch.empty_strided(
                    tensor.shape, tensor.stride(), dtype=tensor.dtype, requires_grad=tensor.requires_grad
                )
        else:
            fake = self.fake_mode.from_tensor(tensor, static_shapes=True)
        self.real[id(fake)] = fake, tensor
        return fake

    def _tracked(self, tensor: torch.Tensor) -> torch.Tensor:
        """A result as a value of the trace, also where the function gives a tensor that it closes over."""
        return tensor if isinstance(tensor, FakeTensor) else torch.ops.aten.alias.default(tensor)

    def part(self, function: Callable[..., list[torch.Tensor]], tensors: Sequence[torch.Tensor], keep: bool) -> Traced:
        """As :meth:`run`, for a part of an autograd function, met while another function is traced."""
        graph, hidden, written = self.run(function, tensors, keep)
        if written:
            raise UnsupportedError(f"{self.name}: a torch.autograd.Function changes an argument in place")
        return Traced(graph, hidden)


class _Again(Interpreter):
    """Runs a graph for the second trace, in which decompositions may have given tensors other strides."""

    def run_node(self, node: torch.fx.Node) -> Any:
        """The node's value; a view that these strides do not allow is a copy, where no one can tell the difference."""
        if node.target is not torch.ops.aten.view.default:
            return super().run_node(node)
        try:
            return super().run_node(node)
        except (RuntimeError, ValueError):
            root = _viewed(node)
            for other in node.graph.nodes:
                schema = getattr(other.target, "_schema", None)
                if schema is not None and schema.is_mutable and _viewed(other.args[0]) is root:
                    raise UnsupportedError(
                        f"{node_place(node)}: a view of a tensor that is changed in place cannot be followed here; "
                        "work on a copy (.clone())"
                    ) from None
            args, _ = self.fetch_args_kwargs_from_env(node)
            return torch.ops.aten.reshape.default(*args)


def _viewed(node: Any) -> Any:
    """The node that has the memory which a node of a graph looks at."""
    while isinstance(node, torch.fx.Node) and node.op == "call_function":
        schema = getattr(node.target, "_schema", None)
        if schema is None or not schema.arguments or schema.arguments[0].alias_info is None:
            break
        node = node.args[0]
    return node


def _place_of(error: Exception) -> str:
    """``file:line`` of the user's code that raised, or called what raised."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if is_user_file(f.filename)]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown location"


@contextlib.contextmanager
def _tracing(fake_mode: FakeTensorMode) -> Iterator[None]:
    """The surroundings of a trace: none of an outer trace, and decompositions that show what an operation writes."""
    with (
        _disable_current_modes(),
        fake_mode,
        enable_python_dispatcher(),
        fx_traceback.preserve_node_meta(),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", module=r"torch\.", category=UserWarning)  # of its tracer's own doing
        onednn = torch._C._get_mkldnn_enabled()  # its kernels of whole layers (LSTM) have no other form
        torch._C._set_mkldnn_enabled(False)
        try:
            yield
        finally:
            torch._C._set_mkldnn_enabled(onednn)


_VALUE_NEEDED = (DataDependentOutputException, DynamicOutputShapeException, GuardOnDataDependentSymNode)
_VALUE_NEEDED_TEXTS = ("get a value out of a tracing tensor", "Cannot call numel() on tensor with symbolic")


def _check_supported(tensor: torch.Tensor, on_gpu: bool) -> None:
    if tensor.device.type not in (("cpu", "meta", "cuda") if on_gpu else ("cpu", "meta")):
        raise UnsupportedError(
            f"a tensor is on the device '{tensor.device}', and compiled code runs on the CPU; move it there (.cpu())"
        )
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise UnsupportedError(f"a tensor has the layout {tensor.layout}; pass dense tensors (.to_dense())")


def _refuse_randomness(graph: GraphModule) -> None:
    for node in graph.graph.nodes:
        if torch.Tag.nondeterministic_seeded not in getattr(node.target, "tags", ()):
            continue
        if bound_argument(node, "dropout_p") != 0.0:
            raise UnsupportedError(
                f"{node_place(node)}: {node.target} draws random numbers, which compiled code has no generator for; "
                "call module.eval(), or draw them outside and pass them as an argument"
            )


def bound_argument(node: Any, name: str) -> Any:
    """The value of a named argument of a graph's node, its default if the node has none."""
    for i, argument in enumerate(node.target._schema.arguments):
        if argument.name == name:
            default = argument.default_value if argument.has_default_value() else None
            return node.args[i] if i < len(node.args) else node.kwargs.get(name, default)
    return None


def _lift(
    graph: GraphModule, real: dict[int, tuple[torch.Tensor, torch.Tensor]]
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Make arguments of the tensors that a graph refers to: hidden ones, then small ones that it made itself."""
    found: dict[int, tuple[torch.Tensor, list[Any], bool]] = {}
    for node in graph.graph.find_nodes(op="get_attr"):
        tensor = operator.attrgetter(node.target)(graph)
        if not isinstance(tensor, torch.Tensor):
            raise UnsupportedError(
                f"{node_place(node)}: control flow of torch.cond and the like is not compiled; use torch.where or "
                "a Python loop"
            )
        tensor = real[id(tensor)][1] if id(tensor) in real else tensor
        made = all(user.target is torch.ops.aten.lift_fresh_copy.default for user in node.users)
        small = made and math.prod(tensor.shape) * tensor.itemsize < _HOISTED_BYTES
        found.setdefault(id(tensor), (tensor, [], small))[1].append(node)
    literals: list[torch.Tensor] = []
    hidden: list[torch.Tensor] = []
    after = None
    for node in graph.graph.find_nodes(op="placeholder"):
        after = node
    entries = sorted(found.values(), key=lambda entry: entry[2])
    for i, (tensor, nodes, small) in enumerate(entries):
        with (
            graph.graph.inserting_after(after) if after else graph.graph.inserting_before(next(iter(graph.graph.nodes)))
        ):
            after = graph.graph.placeholder(f"hidden_{i}")
        for node in nodes:
            node.replace_all_uses_with(after)
            graph.graph.erase_node(node)
        (literals if small else hidden).append(tensor)
    graph.recompile()
    return literals, hidden


def _put_literals(graph: GraphModule, start: int, literals: Sequence[torch.Tensor]) -> None:
    """Turn the arguments from ``start`` on into constants of the graph."""
    placeholders = list(graph.graph.find_nodes(op="placeholder"))[start:]
    for i, (placeholder, literal) in enumerate(zip(placeholders, literals, strict=True)):
        graph.register_buffer(f"literal_{i}", literal)
        with graph.graph.inserting_after(placeholder):
            constant = graph.graph.get_attr(f"literal_{i}")
        constant.meta.update(placeholder.meta)
        placeholder.replace_all_uses_with(constant)
        graph.graph.erase_node(placeholder)


def _move_writes(graph: GraphModule) -> tuple[int, ...]:
    """Make results of the values that a functional graph copies into its arguments at the end."""
    placeholders = {node: i for i, node in enumerate(graph.graph.find_nodes(op="placeholder"))}
    output = graph.graph.output_node()
    values = {}
    for node in graph.graph.find_nodes(op="call_function", target=torch.ops.aten.copy_.default):
        target, value = node.args[0], node.args[1]
        values[placeholders[target]] = value
        node.replace_all_uses_with(value)
        graph.graph.erase_node(node)
    output.args = ([*output.args[0], *values.values()],)
    return tuple(values)


def _make_numbers_floats(graph: GraphModule) -> None:
    """Write integers that meet float tensors as floats: torch-mlir folds such constants to wrong values."""
    for node in graph.graph.nodes:
        schema = getattr(node.target, "_schema", None)
        if schema is None or not node.args or node.target.overloadpacket is torch.ops.aten.pow:
            continue
        value = node.args[0].meta.get("val") if isinstance(node.args[0], torch.fx.Node) else None
        if not isinstance(value, torch.Tensor) or not is_inexact(value):
            continue
        for i, argument in enumerate(schema.arguments[: len(node.args)]):
            if isinstance(node.args[i], int) and str(argument.type) in ("number", "Tensor"):
                node.update_arg(i, float(node.args[i]))
