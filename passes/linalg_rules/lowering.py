"""What the rules of ``astra-to-linalg`` share: the table of rules, lowered values, and how linalg operations are built.

A lowered value (:class:`Val`) is kept in the cheapest form that says what it holds: one scalar for every element, an
index, an affine view of another tensor (broadcast, transpose, reverse, unit dimensions), or a tensor.  Consumers ask
for the form they need; elementwise operations, reductions and contractions read views through their indexing maps, so
a broadcast or an iota costs nothing there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

from astra_mlir.bindings import ir
from astra_mlir.dialects.core import value_of
from astra_mlir.errors import UnsupportedError, source_place
from astra_mlir.passes.linalg_rules.recompute import is_work, repeats
from astra_mlir.passes.linalg_rules.refused import why_not

__all__ = ["RULES", "ZERO", "Expr", "Lowering", "TypeInfo", "Val", "dim", "rule"]

# An index expression: ((dimension, coefficient), ...) summed, plus a constant.
Expr = tuple[tuple[tuple[int, int], ...], int]
ZERO: Expr = ((), 0)

Rule = Callable[["Lowering", ir.Operation], "list[Val]"]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Decorator: the lowering of ``astra.<name>`` for every name given."""

    def register(function: Rule) -> Rule:
        for name in names:
            RULES[f"astra.{name}"] = function
        return function

    return register


def dim(i: int, coefficient: int = 1, constant: int = 0) -> Expr:
    """The expression ``coefficient * d_i + constant``."""
    return ((i, coefficient),), constant


def substitute(expr: Expr, mapping: Sequence[Expr]) -> Expr:
    """``expr`` with every dimension ``i`` replaced by ``mapping[i]``."""
    terms: dict[int, int] = {}
    constant = expr[1]
    for i, coefficient in expr[0]:
        inner, inner_constant = mapping[i]
        constant += coefficient * inner_constant
        for j, inner_coefficient in inner:
            terms[j] = terms.get(j, 0) + coefficient * inner_coefficient
    return tuple(sorted(terms.items())), constant


# Cheap operations an element that a loop nest may repeat: without and with reductions, whose loops are the inner ones.
_REPEATED_WORK = (8, 1)
# Elementwise operations that may follow each other without a barrier: fusing takes time quadratic in their number.
_LONGEST_CHAIN = 128

_IDENTITIES = [tuple(dim(i) for i in range(rank)) for rank in range(9)]


class TypeInfo:
    """What rules ask about a ranked tensor type, computed once per type.

    ``kind`` is "bool", "int", "uint", "float" or "complex"; ``element`` is the signless element type in the output,
    ``compute`` the type that elementwise arithmetic runs in (f32 for narrower floats; for complex, of its parts).
    """

    __slots__ = ("bits", "compute", "element", "kind", "rank", "shape", "size", "tensor")

    def __init__(self, shape: tuple[int, ...], element: ir.Type, kind: str, bits: int, compute: ir.Type) -> None:
        self.shape, self.rank, self.size = shape, len(shape), prod(shape)
        self.element, self.kind, self.bits, self.compute = element, kind, bits, compute
        self.tensor = ir.RankedTensorType.get(shape, element)

    @property
    def narrow(self) -> bool:
        """Whether arithmetic happens in a wider float type than values are stored in."""
        return self.kind == "float" and self.compute != self.element


class Val:
    """A lowered value of the tensor type ``info``: exactly one of the other fields is set (see the module)."""

    __slots__ = ("base", "exprs", "info", "iota", "reshape_of", "scalar", "tensor")

    def __init__(
        self,
        info: TypeInfo,
        *,
        tensor: ir.Value | None = None,
        scalar: ir.Value | None = None,  # of type info.element, every element's value
        iota: Expr | None = None,  # every element's value as an expression of its indices
        base: ir.Value | None = None,  # the tensor of which this is the view base[exprs of own indices]
        exprs: tuple[Expr, ...] = (),
        reshape_of: Val | None = None,  # for a view that only adds or drops unit dimensions
    ) -> None:
        self.info, self.tensor, self.scalar, self.iota = info, tensor, scalar, iota
        self.base, self.exprs, self.reshape_of = base, exprs, reshape_of


class Lowering:
    """Where new operations go, what old values became, and the builders that rules use."""

    def __init__(self) -> None:
        self.ip: ir.InsertionPoint = None  # type: ignore[assignment]
        self.loc: ir.Location = ir.Location.unknown()
        self.op: ir.Operation | None = None  # being lowered
        self.values: dict[ir.Value, Val] = {}
        self._scopes: list[dict[tuple[Any, str], Any]] = [{}]
        self._infos: dict[ir.Type, TypeInfo] = {}
        self._attributes: dict[Any, ir.Attribute] = {}
        self._generic_attributes: dict[Any, dict[str, ir.Attribute]] = {}
        self._chain: dict[ir.Value, int] = {}  # elementwise operations that end in a value
        self.index = ir.IndexType.get()
        self.i1 = ir.IntegerType.get_signless(1)
        self.i32 = ir.IntegerType.get_signless(32)
        self.i64 = ir.IntegerType.get_signless(64)
        self.f32 = ir.F32Type.get()
        self.f64 = ir.F64Type.get()

    # --- types ---------------------------------------------------------------------------------------------------

    def info(self, tensor_type: ir.Type) -> TypeInfo:
        """The description of a ranked tensor type; refuses dynamic dimensions and unknown element types."""
        found = self._infos.get(tensor_type)
        if found is None:
            found = self._infos[tensor_type] = self._new_info(tensor_type)
        return found

    def _new_info(self, tensor_type: ir.Type) -> TypeInfo:
        if not isinstance(tensor_type, ir.RankedTensorType):
            raise self.unsupported(f"type {tensor_type} is not a ranked tensor")
        if not tensor_type.has_static_shape:
            raise self.unsupported(
                f"type {tensor_type} has a dynamic dimension; compile for fixed shapes (one program per shape)"
            )
        return self.info_of(tuple(tensor_type.shape), tensor_type.element_type)

    def info_of(self, shape: Sequence[int], element: ir.Type) -> TypeInfo:
        """The description of ``tensor<shape x element>``; ``element`` may be unsigned."""
        shape = tuple(shape)
        if isinstance(element, ir.IntegerType):
            kind = "bool" if element.width == 1 else "uint" if element.is_unsigned else "int"
            signless = ir.IntegerType.get_signless(element.width)
            return TypeInfo(shape, signless, kind, element.width, signless)
        if isinstance(element, ir.ComplexType):
            part = element.element_type
            return TypeInfo(shape, element, "complex", 64 if part == self.f32 else 128, part)
        if isinstance(element, ir.FloatType):
            compute = element if element.width >= 32 else self.f32
            return TypeInfo(shape, element, "float", element.width, compute)
        raise self.unsupported(f"element type {element} has no CPU lowering")

    def unsupported(self, reason: str) -> UnsupportedError:
        """The error to raise for the operation being lowered."""
        name = f"'{self.op.name}' at {source_place(self.op.location)}" if self.op is not None else "the program"
        return UnsupportedError(f"astra-to-linalg: {name}: {reason}")

    # --- operations ----------------------------------------------------------------------------------------------

    def create(
        self,
        name: str,
        operands: Sequence[ir.Value],
        results: Sequence[ir.Type],
        attributes: dict[str, ir.Attribute] | None = None,
        regions: int = 0,
    ) -> ir.Operation:
        """Create an operation at the insertion point."""
        return ir.Operation.create(
            name, results=results, operands=operands, attributes=attributes, regions=regions, loc=self.loc, ip=self.ip
        )

    def emit(
        self,
        name: str,
        operands: Sequence[ir.Value],
        result: ir.Type,
        attributes: dict[str, ir.Attribute] | None = None,
    ) -> ir.Value:
        """Create an operation with one result and return that."""
        return ir.Operation.create(
            name, results=[result], operands=operands, attributes=attributes, loc=self.loc, ip=self.ip
        ).result

    def cached(self, key: Any, make: Callable[[], ir.Attribute]) -> ir.Attribute:
        """The attribute under ``key``, made on first use."""
        found = self._attributes.get(key)
        if found is None:
            found = self._attributes[key] = make()
        return found

    def constant(self, scalar_type: ir.Type, value: float | int | bool) -> ir.Value:
        """``arith.constant`` of an integer, index or float type (integers are taken modulo their width)."""
        key = (scalar_type, repr(value))
        attribute = self._attributes.get(key)
        if attribute is None:
            if isinstance(scalar_type, ir.IntegerType):
                width = scalar_type.width
                value = int(value) & ((1 << width) - 1)
                if width > 1 and value >> (width - 1):
                    value -= 1 << width
                attribute = ir.IntegerAttr.get(scalar_type, value)
            elif isinstance(scalar_type, ir.IndexType):
                attribute = ir.IntegerAttr.get(scalar_type, int(value))
            else:
                attribute = ir.FloatAttr.get(scalar_type, float(value))
            self._attributes[key] = attribute
        return self.emit("arith.constant", (), scalar_type, {"value": attribute})

    def constant_index(self, value: int) -> ir.Value:
        """``arith.constant`` of type index."""
        return self.constant(self.index, value)

    def empty(self, tensor_type: ir.Type) -> ir.Value:
        """``tensor.empty``."""
        return self.emit("tensor.empty", (), tensor_type)

    def generic(
        self,
        ins: Sequence[tuple[ir.Value, Sequence[Expr]]],
        outs: Sequence[tuple[ir.Value, Sequence[Expr]]],
        iterators: str,
        body: Callable[[list[ir.Value]], Sequence[ir.Value]],
    ) -> list[ir.Value]:
        """``linalg.generic``: operands with their maps, one letter per loop (p parallel, r reduction), and the body.

        ``body`` gets the block arguments (inputs, then outputs) and returns what to yield.
        """
        key = (iterators, tuple(tuple(exprs) for _, exprs in ins), tuple(tuple(exprs) for _, exprs in outs))
        attributes = self._generic_attributes.get(key)
        if attributes is None:
            attributes = self._generic_attributes[key] = self._make_generic_attributes(*key)
        init_types = [value.type for value, _ in outs]
        operands = [value for value, _ in ins] + [value for value, _ in outs]
        op = self.create("linalg.generic", operands, init_types, attributes, regions=1)
        block = op.regions[0].blocks.append(*[value.type.element_type for value in operands])
        with self.inside(block):
            self.create("linalg.yield", list(body(list(block.arguments))), ())
        return list(op.results)

    def _make_generic_attributes(self, iterators: str, ins: Any, outs: Any) -> dict[str, ir.Attribute]:
        maps = [self._affine_map(len(iterators), exprs) for exprs in (*ins, *outs)]
        kinds = {"p": "parallel", "r": "reduction"}
        iterator_types = [ir.Attribute.parse(f"#linalg.iterator_type<{kinds[letter]}>") for letter in iterators]
        return {
            "indexing_maps": ir.ArrayAttr.get(maps),
            "iterator_types": ir.ArrayAttr.get(iterator_types),
            "operandSegmentSizes": ir.DenseI32ArrayAttr.get([len(ins), len(outs)]),
        }

    def _affine_map(self, rank: int, exprs: Sequence[Expr]) -> ir.Attribute:
        results = []
        for terms, constant in exprs:
            total: ir.AffineExpr | None = None
            for i, coefficient in terms:
                term = ir.AffineExpr.get_dim(i)
                term = term if coefficient == 1 else term * coefficient
                total = term if total is None else total + term
            if total is None:
                total = ir.AffineExpr.get_constant(constant)
            elif constant:
                total = total + constant
            results.append(total)
        return ir.AffineMapAttr.get(ir.AffineMap.get(rank, 0, results))

    @contextmanager
    def inside(self, block: ir.Block) -> Iterator[None]:
        """Build at the end of ``block``, which is nested in the current one."""
        saved = self.ip
        self.ip = ir.InsertionPoint(block)
        self._scopes.append({})
        try:
            yield
        finally:
            self._scopes.pop()
            self.ip = saved

    # --- lowered values ------------------------------------------------------------------------------------------

    def get(self, old: ir.Value) -> Val:
        """What a value of the program before the pass became."""
        return self.values[old]

    def operands(self, op: ir.Operation) -> list[Val]:
        """The lowered operands of an operation."""
        return [self.values[operand] for operand in op.operands]

    def result_infos(self, op: ir.Operation) -> list[TypeInfo]:
        """The descriptions of an operation's result types."""
        return [self.info(result.type) for result in op.results]

    def _scoped(self, val: Any, what: str, make: Callable[[Any], Any]) -> Any:
        """``make(val)``, emitted at most once for any place that the first emission dominates."""
        key = (val, what)
        for scope in reversed(self._scopes):
            if key in scope:
                return scope[key]
        made = self._scopes[-1][key] = make(val)
        return made

    def tensor(self, val: Val) -> ir.Value:
        """``val`` as a tensor."""
        return val.tensor if val.tensor is not None else self._scoped(val, "tensor", self._materialize)

    def scalar(self, val: Val) -> ir.Value:
        """The scalar that a value of one element (or of equal elements) holds."""
        return val.scalar if val.scalar is not None else self._scoped(val, "scalar", self._extract)

    def _extract(self, val: Val) -> ir.Value:
        zeros = [self.constant_index(0)] * val.info.rank
        return self.emit("tensor.extract", [self.tensor(val), *zeros], val.info.element)

    def _materialize(self, val: Val) -> ir.Value:
        info = val.info
        if val.scalar is not None:
            if info.rank == 0:
                return self.emit("tensor.from_elements", [val.scalar], info.tensor)
            return self.fill(val.scalar, info)
        if val.reshape_of is not None:
            return self.reshape(self.tensor(val.reshape_of), val.reshape_of.info.shape, info)
        return self.elementwise([info], [val], lambda args: args)[0].tensor

    def fill(self, scalar: ir.Value, info: TypeInfo) -> ir.Value:
        """A tensor whose elements all are ``scalar``."""
        if info.size == 0:
            return self.empty(info.tensor)
        segments = self.cached("fill segments", lambda: ir.DenseI32ArrayAttr.get([1, 1]))
        attributes = {"operandSegmentSizes": segments}
        op = self.create("linalg.fill", [scalar, self.empty(info.tensor)], [info.tensor], attributes, regions=1)
        block = op.regions[0].blocks.append(info.element, info.element)
        with self.inside(block):
            self.create("linalg.yield", [block.arguments[0]], ())
        return op.result

    def view(self, val: Val, info: TypeInfo, exprs: Sequence[Expr], *, reshape: bool = False) -> Val:
        """The value of type ``info`` whose element at indices d is ``val[exprs(d)]``."""
        if val.scalar is not None or val.info.rank == 0:
            return Val(info, scalar=self.scalar(val))
        if val.iota is not None:
            return Val(info, iota=substitute(val.iota, exprs))
        reshape_of = val if reshape else None
        if val.tensor is None and val.base is not None:
            composed = tuple(substitute(expr, exprs) for expr in val.exprs)
            return Val(info, base=val.base, exprs=composed, reshape_of=reshape_of)
        return Val(info, base=self.tensor(val), exprs=tuple(exprs), reshape_of=reshape_of)

    def source(self, val: Val) -> tuple[ir.Value, tuple[Expr, ...]] | ir.Value | None:
        """How a linalg operation reads ``val``: a tensor and its map, or one scalar, or None for an iota."""
        if val.scalar is not None or val.info.rank == 0:
            return self.scalar(val)
        if val.iota is not None:
            return None
        if val.base is None:
            return self.tensor(val), self.identity(val.info.rank)
        if all(terms for terms, _ in val.exprs):
            return val.base, val.exprs
        return self._scoped(val, "source", self._drop_constant_dims)

    def _drop_constant_dims(self, val: Val) -> tuple[ir.Value, tuple[Expr, ...]] | ir.Value:
        """Take dimensions that the view reads at a constant out of its base."""
        base_type = val.base.type
        if all(not terms for terms, _ in val.exprs):
            indices = [self.constant_index(constant) for _, constant in val.exprs]
            return self.emit("tensor.extract", [val.base, *indices], base_type.element_type)
        kept = [i for i, (terms, _) in enumerate(val.exprs) if terms]
        shape = [base_type.shape[i] for i in kept]
        info = self.info_of(shape, base_type.element_type)
        return self.reshape(val.base, tuple(base_type.shape), info), tuple(val.exprs[i] for i in kept)

    def iota_scalar(self, expr: Expr, info: TypeInfo) -> ir.Value:
        """The value of an index expression as an element of ``info`` (no narrow float), inside of a linalg body."""
        terms, constant = expr
        total: ir.Value | None = None
        for i, coefficient in terms:
            term = self.loop_index(i)
            if coefficient != 1:
                term = self.emit("arith.muli", [term, self.constant_index(coefficient)], self.index)
            total = term if total is None else self.emit("arith.addi", [total, term], self.index)
        if total is None:
            total = self.constant_index(constant)
        elif constant:
            total = self.emit("arith.addi", [total, self.constant_index(constant)], self.index)
        if info.kind in ("int", "uint", "bool"):
            return self.emit("arith.index_cast", [total], info.element)
        real = self.emit("arith.sitofp", [self.emit("arith.index_cast", [total], self.i32)], info.compute)
        if info.kind == "complex":
            return self.emit("complex.create", [real, self.constant(info.compute, 0.0)], info.element)
        return real

    def loop_index(self, i: int) -> ir.Value:
        """``linalg.index``: the position of loop ``i`` of the enclosing generic."""
        attribute = self.cached(("dim", i), lambda: ir.IntegerAttr.get(self.i64, i))
        return self.emit("linalg.index", (), self.index, {"dim": attribute})

    def elementwise(
        self,
        infos: Sequence[TypeInfo],
        vals: Sequence[Val],
        body: Callable[[list[ir.Value]], Sequence[ir.Value]],
        *,
        loops: bool = False,
    ) -> list[Val]:
        """Apply ``body`` to every element; scalars (or values of equal elements) need no loop unless ``loops``."""
        info = infos[0]
        if not loops and all(val.scalar is not None or val.info.rank == 0 for val in vals):
            return [Val(i, scalar=v) for i, v in zip(infos, body([self.scalar(val) for val in vals]), strict=True)]
        identity = self.identity(info.rank)
        outs = [(self.empty(i.tensor), identity) for i in infos]
        ins = [(val, None) for val in vals]
        results = self.read_generic(ins, outs, "p" * info.rank, info.shape, lambda _, elements: body(elements))
        return [Val(i, tensor=v) for i, v in zip(infos, results, strict=True)]

    def read_generic(
        self,
        inputs: Sequence[tuple[Val, Sequence[Expr] | None]],
        outs: Sequence[tuple[ir.Value, Sequence[Expr]]],
        iterators: str,
        sizes: Sequence[int],
        body: Callable[[list[ir.Value], list[ir.Value]], Sequence[ir.Value]],
    ) -> list[ir.Value]:
        """A ``linalg.generic`` whose inputs are values in any form, each read at expressions (None: the identity).

        ``body`` gets the accumulators (what the outputs hold) and the elements, one for every input.
        """
        ins: dict[tuple[ir.Value, tuple[Expr, ...]], int] = {}
        readers: list[Any] = []  # per input: the number of a block argument, a scalar, or an index expression
        for val, exprs in inputs:
            source = self.source(val)
            if isinstance(source, tuple):
                base, own = source
                read = own if exprs is None else tuple(substitute(expr, exprs) for expr in own)
                key = (self._kept(base, read, iterators, sizes), read)
                readers.append(ins.setdefault(key, len(ins)))
            elif source is None:
                readers.append(val.iota if exprs is None else substitute(val.iota, exprs))
            else:
                readers.append(source)
        operands = list(ins)
        if "r" in iterators:
            operands += self._shape_operand([exprs for _, exprs in (*operands, *outs)], sizes)
        first_out = len(operands)

        def scalar_body(arguments: list[ir.Value]) -> Sequence[ir.Value]:
            elements = [
                arguments[reader]
                if isinstance(reader, int)
                else self.iota_scalar(reader, val.info)
                if isinstance(reader, tuple)
                else reader
                for reader, (val, _) in zip(readers, inputs, strict=True)
            ]
            return body(arguments[first_out:], elements)

        results = self.generic(operands, outs, iterators, scalar_body)
        if "r" not in iterators:
            length = 1 + max((self._chain.get(base, 0) for base, _ in operands), default=0)
            self._chain.update(dict.fromkeys(results, length))
        return results

    def _kept(self, base: ir.Value, read: Sequence[Expr], iterators: str, sizes: Sequence[int]) -> ir.Value:
        """``base``, behind a barrier where fusing its producer into these loops would be too much work."""
        if self._chain.get(base, 0) >= _LONGEST_CHAIN:
            return self._scoped(base, "barrier", self._barrier)
        if read is self.identity(len(sizes)):
            return base
        loops = {i for terms, _ in read for i, _ in terms}
        if not repeats(base.type.shape, loops, sizes):
            return base
        if not is_work(base, _REPEATED_WORK["r" in iterators]):
            return base
        return self._scoped(base, "barrier", self._barrier)

    def _barrier(self, value: ir.Value) -> ir.Value:
        return self.emit("astra.optimization_barrier", [value], value.type)

    def _shape_operand(
        self, maps: Sequence[Sequence[Expr]], sizes: Sequence[int]
    ) -> list[tuple[ir.Value, tuple[Expr, ...]]]:
        """An unused input that gives the extent of loops which no other operand's shape gives."""
        known = {terms[0][0] for exprs in maps for terms, c in exprs if c == 0 and len(terms) == 1 and terms[0][1] == 1}
        missing = [i for i in range(len(sizes)) if i not in known]
        if not missing:
            return []
        shape = ir.RankedTensorType.get([sizes[i] for i in missing], self.i1)
        return [(self.empty(shape), tuple(dim(i) for i in missing))]

    def identity(self, rank: int) -> tuple[Expr, ...]:
        """The identity map."""
        return _IDENTITIES[rank] if rank < len(_IDENTITIES) else tuple(dim(i) for i in range(rank))

    def like(self, info: TypeInfo, shape: Sequence[int]) -> TypeInfo:
        """The description of a tensor of another shape with the element type of ``info``."""
        return TypeInfo(tuple(shape), info.element, info.kind, info.bits, info.compute)

    # --- reshapes ------------------------------------------------------------------------------------------------

    def reshape(self, value: ir.Value, shape: Sequence[int], info: TypeInfo) -> ir.Value:
        """``value`` of static ``shape`` in the row-major order as ``info``'s shape (both of rank > 0, same size)."""
        shape, target = tuple(shape), info.shape
        if shape == target:
            return value
        if info.size == 0:
            return self.empty(info.tensor)
        groups = _reshape_groups(shape, target)
        middle = tuple(prod(shape[a:b]) for (a, b), _ in groups)
        if middle != shape:
            middle_type = ir.RankedTensorType.get(middle, info.element)
            value = self._regroup("tensor.collapse_shape", value, [source for source, _ in groups], middle_type)
        if middle != target:
            value = self._regroup("tensor.expand_shape", value, [result for _, result in groups], info.tensor)
        return value

    def _regroup(
        self, name: str, value: ir.Value, groups: Sequence[tuple[int, int]], result: ir.RankedTensorType
    ) -> ir.Value:
        def reassociation() -> ir.Attribute:
            return ir.ArrayAttr.get(
                [ir.ArrayAttr.get([ir.IntegerAttr.get(self.i64, i) for i in range(a, b)]) for a, b in groups]
            )

        attributes = {"reassociation": self.cached(("groups", tuple(groups)), reassociation)}
        if name == "tensor.expand_shape":
            shape = tuple(result.shape)
            attributes["static_output_shape"] = self.cached(
                ("shape", shape), lambda: ir.DenseI64ArrayAttr.get(list(shape))
            )
        return self.emit(name, [value], result, attributes)

    # --- regions -------------------------------------------------------------------------------------------------

    def lower_block(self, block: ir.Block, arguments: Sequence[Val]) -> list[Val]:
        """Lower the operations of ``block`` here, with ``arguments`` for its arguments; what its terminator takes."""
        outer = self.op, self.loc
        for old, val in zip(block.arguments, arguments, strict=True):
            self.values[old] = val
        for op in block.operations:
            op = op.operation
            self.op, self.loc = op, op.location
            name = op.name
            if name in ("astra.yield", "func.return"):
                yielded = self.operands(op)
                self.op, self.loc = outer
                return yielded
            function = RULES.get(name)
            if function is None:
                raise self.unsupported(why_not(op))
            infos = self.result_infos(op)
            if infos and all(info.size == 0 for info in infos) and name not in _ALWAYS_RUN:
                vals = [Val(info, tensor=self.empty(info.tensor)) for info in infos]
            else:
                vals = function(self, op)
            for result, val in zip(op.results, vals, strict=True):
                self.values[result] = val
        raise self.unsupported("the block has no terminator")

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute of the operation being lowered, as its Python value."""
        return value_of(self.op, name, default)


_ALWAYS_RUN = frozenset(
    {"astra.while", "astra.if", "astra.scan", "astra.kernel_call", "func.call", "astra.custom_call"}
)


def _reshape_groups(source: tuple[int, ...], result: tuple[int, ...]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The finest pairs of dimension ranges of equal size in two shapes of equal, non-zero size."""
    groups: list[tuple[tuple[int, int], tuple[int, int]]] = []
    i = j = 0
    while i < len(source) and j < len(result):
        first_i, first_j = i, j
        left, right = source[i], result[j]
        i, j = i + 1, j + 1
        while left != right:
            if left < right:
                left *= source[i]
                i += 1
            else:
                right *= result[j]
                j += 1
        groups.append(((first_i, i), (first_j, j)))
    if i < len(source) or j < len(result):  # unit dimensions at the end
        (first_i, _), (first_j, _) = groups.pop()
        groups.append(((first_i, len(source)), (first_j, len(result))))
    return groups
