"""The compiler of kernels: a Python function's syntax tree, walked once, becomes a tile function.

Expressions on constants are Python's; those on values of the kernel build operations (``values.py``).  Loops over
``range`` and ``al.range`` become ``scf.for``, ``while`` becomes ``scf.while``, ``if`` on a value ``scf.if``; names that
they change are carried (``function.py`` finds which).  Calls of kernel functions are inlined.  What a loop carries must
have one type: a Python number that meets values becomes one, for which the loop is traced again.
"""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable, Sequence
from typing import Any

from astra_mlir.bindings import ir
from astra_mlir.errors import AstraError, KernelError
from astra_mlir.language import core, semantic
from astra_mlir.language.carried import Kind, Mismatch, convert, count, flatten, join, kind_of, rebuild
from astra_mlir.language.function import KernelFunction, assigned, function, live_in, reads
from astra_mlir.language.types import int1, int32, int64
from astra_mlir.language.values import Pointer, Value, _Method, builder, is_dynamic, type_of

__all__ = ["KernelFunction", "Tracer", "call", "function"]

_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow, ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_, ast.BitXor: operator.xor, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
    ast.MatMult: lambda a, b: core.dot(a, b),
}  # fmt: skip
_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not, ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip
_UNARY: dict[type, Callable[[Any], Any]] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert,
    ast.Not: lambda x: semantic.invert(semantic.cast(x, int1)) if isinstance(x, Value) else not x,
}  # fmt: skip


def _fold(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def apply(*values: Any) -> Any:
        result = values[0]
        for value in values[1:]:
            result = function(result, value)
        return result

    return apply


# Python's functions where an argument is a value of the kernel.
_ON_VALUES: dict[Any, Callable[..., Any]] = {
    builtins.min: _fold(core.minimum),
    builtins.max: _fold(core.maximum),
    builtins.abs: lambda x: semantic.select(semantic.compare("lt", x, 0), semantic.negative(x), x),
    builtins.print: lambda *values: core.device_print(
        "".join(str(v) for v in values if not is_dynamic(v)), *(v for v in values if is_dynamic(v))
    ),
    builtins.int: lambda x: semantic.cast(x, int32),
    builtins.len: lambda x: x.shape[0],
    builtins.isinstance: isinstance,
    builtins.type: builtins.type,
}


class _Returned:
    """What a statement gives that ended the function."""

    def __init__(self, value: Any) -> None:
        self.value = value


def call(callee: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call a function in a kernel: kernel functions are inlined, others are called."""
    if isinstance(callee, _Method):
        return call(callee.function, [callee.first, *args], kwargs)
    if isinstance(callee, KernelFunction):
        bound = callee.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return Tracer(callee, dict(bound.arguments)).run()
    return callee(*args, **kwargs)


class Tracer:
    """One (inlined) function under compilation: the values of its names."""

    def __init__(self, fn: KernelFunction, names: dict[str, Any]) -> None:
        self.fn = fn
        self.names = names

    def run(self) -> Any:
        """Compile the body at the builder's place; what the function returns."""
        saved = builder().loc
        live = self.fn.live_out  # parses the source
        del live
        returned = self._block(self.fn.tree.body)
        builder().loc = saved
        return returned.value if returned is not None else None

    # --- errors --------------------------------------------------------------------------------------------------

    def _error(self, node: ast.AST, error: Exception) -> KernelError:
        line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0) + self.fn.indent
        text = self.fn.line(line)
        shown = text.lstrip()
        caret = " " * max(0, column - (len(text) - len(shown))) + "^"
        kind = "" if isinstance(error, TypeError | NameError | AstraError) else f"{type(error).__name__}: "
        return KernelError(
            f"{self.fn.file}:{line}:{column + 1}: in kernel '{self.fn.name}': {kind}{error}\n    {shown}\n    {caret}"
        )

    def _at(self, node: ast.AST) -> None:
        line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
        builder().loc = ir.Location.file(self.fn.file, line, column + self.fn.indent + 1)

    # --- statements ----------------------------------------------------------------------------------------------

    def _block(self, statements: Sequence[ast.stmt]) -> _Returned | None:
        for number, node in enumerate(statements):
            try:
                self._at(node)
                if isinstance(node, ast.If):
                    test = self._eval(node.test)
                    if isinstance(test, Value):
                        if _returns(node):
                            return self._if_returning(node, test, statements[number + 1 :])
                        self._if(node, test)
                        continue
                    returned = self._block(node.body if test else node.orelse)
                elif isinstance(node, ast.Return):
                    return _Returned(self._eval(node.value) if node.value is not None else None)
                else:
                    returned = self._statement(node)
            except KernelError:
                raise
            except Exception as error:
                raise self._error(node, error) from error
            if returned is not None:
                return returned
        return None

    def _statement(self, node: ast.stmt) -> _Returned | None:
        if isinstance(node, ast.Expr):
            if not isinstance(node.value, ast.Constant):  # a docstring
                self._eval(node.value)
        elif isinstance(node, ast.Assign):
            value = self._eval(node.value)
            for target in node.targets:
                self._assign(target, value)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self._assign(node.target, self._eval(node.value))
        elif isinstance(node, ast.AugAssign):
            load = ast.copy_location(ast.parse(ast.unparse(node.target), mode="eval").body, node.target)
            ast.fix_missing_locations(ast.increment_lineno(load, 0))
            old = self._eval(load)
            self._assign(node.target, _BINARY[type(node.op)](old, self._eval(node.value)))
        elif isinstance(node, ast.For):
            return self._for(node)
        elif isinstance(node, ast.While):
            self._while(node)
        elif isinstance(node, ast.Assert):
            test = self._eval(node.test)
            message = str(self._eval(node.msg)) if node.msg is not None else ""
            (core.device_assert if is_dynamic(test) else core.static_assert)(test, message)
        elif not isinstance(node, ast.Pass):
            raise TypeError(f"kernels have no '{type(node).__name__.lower()}' statement")
        return None

    def _assign(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self.names[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            values = list(value)
            if len(values) != len(target.elts):
                raise TypeError(f"{len(values)} values are assigned to {len(target.elts)} names")
            for part, item in zip(target.elts, values, strict=True):
                self._assign(part, item)
        elif isinstance(target, ast.Subscript):
            holder = self._eval(target.value)
            if is_dynamic(holder):
                raise TypeError("elements of tiles cannot be assigned: use al.where, or store to memory")
            holder[self._eval(target.slice)] = value
        else:
            raise TypeError("only names can be assigned in kernels")

    # --- branches ------------------------------------------------------------------------------------------------

    def _branches(
        self, test: Value, then: Callable[[], Any], other: Callable[[], Any]
    ) -> tuple[ir.Operation, list[ir.Block], list[Any], list[dict[str, Any]]]:
        """Trace both sides into an ``scf.if`` without results; what each gave and the names after it."""
        if test.shape:
            raise TypeError(f"'if' takes a scalar, not {test}: use al.where")
        condition = semantic.cast(test, int1)
        op = builder().op("scf.if", (condition.handle,), (), regions=2)
        blocks, found, names = [], [], []
        before = self.names
        for region, trace in zip(op.regions, (then, other), strict=True):
            block = region.blocks.append()
            self.names = dict(before)
            with builder().at(block):
                found.append(trace())
            blocks.append(block)
            names.append(self.names)
        self.names = before
        return op, blocks, found, names

    def _finish_if(self, op: ir.Operation, blocks: list[ir.Block], pairs: Sequence[tuple[str, Any, Any]]) -> list[Any]:
        """Give an ``scf.if`` as results what differs between its sides; the values behind it."""
        kinds: list[Kind] = []
        for name, a, b in pairs:
            try:
                kinds.append(join(kind_of(a), kind_of(b)))
            except Mismatch as error:
                raise TypeError(f"{name} is {a!r} in one branch and {b!r} in the other: {error}") from None
        flats: list[list[Value]] = []
        for side, block in enumerate(blocks, 1):
            with builder().at(block):
                converted = [convert(pair[side], kind) for pair, kind in zip(pairs, kinds, strict=True)]
                flats.append(flatten(converted))
                builder().op("scf.yield", [value.handle for value in flats[-1]])
        final = builder().op("scf.if", list(op.operands), [value.handle.type for value in flats[0]], regions=2)
        for region, block in zip(final.regions, blocks, strict=True):
            block.append_to(region)
        op.erase()
        return self._rebuilt(kinds, final.results, flats[0])

    def _rebuilt(self, kinds: Sequence[Kind], handles: Sequence[ir.Value], like: Sequence[Value]) -> list[Any]:
        """Values of these kinds of a loop's arguments, or of the results of a loop or branch."""
        rest = [Value(handle, v.dtype, v.shape) for handle, v in zip(list(handles), like, strict=True)]
        found = []
        for kind in kinds:
            size = count(kind)
            found.append(rebuild(kind, rest[:size]))
            rest = rest[size:]
        return found

    def _if(self, node: ast.If, test: Value) -> None:
        live = self.fn.live_out[node]
        changed = [name for name in assigned([*node.body, *node.orelse]) if name in live]
        op, blocks, _, names = self._branches(test, lambda: self._block(node.body), lambda: self._block(node.orelse))
        both = [name for name in changed if name in names[0] and name in names[1]]
        values = self._finish_if(op, blocks, [(f"'{name}'", names[0][name], names[1][name]) for name in both])
        for name in changed:
            self.names.pop(name, None)
        self.names.update(zip(both, values, strict=True))

    def _if_returning(self, node: ast.If, test: Value, rest: Sequence[ast.stmt]) -> _Returned:
        """An ``if`` with a return in it: what comes behind becomes part of the sides that go on."""

        def side(statements: Sequence[ast.stmt]) -> Any:
            returned = self._block([*statements, *([] if _always_returns(statements) else rest)])
            return returned.value if returned is not None else None

        op, blocks, found, _ = self._branches(test, lambda: side(node.body), lambda: side(node.orelse))
        (value,) = self._finish_if(op, blocks, [("the result", found[0], found[1])])
        return _Returned(value)

    def _conditional(self, node: ast.IfExp) -> Any:
        test = self._eval(node.test)
        if not isinstance(test, Value):
            return self._eval(node.body if test else node.orelse)
        if test.shape:
            raise TypeError(f"'if' takes a scalar, not {test}: use al.where")
        op, blocks, found, _ = self._branches(test, lambda: self._eval(node.body), lambda: self._eval(node.orelse))
        return self._finish_if(op, blocks, [("the expression", found[0], found[1])])[0]

    # --- loops ---------------------------------------------------------------------------------------------------

    def _for(self, node: ast.For) -> _Returned | None:
        if node.orelse:
            raise TypeError("kernels have no 'else' of loops")
        iterable = self._eval(node.iter)
        if isinstance(iterable, core.static_range | tuple | list):
            for item in iterable.numbers if isinstance(iterable, core.static_range) else iterable:
                self._assign(node.target, item)
                returned = self._block(node.body)
                if returned is not None:
                    return returned
            return None
        if not isinstance(iterable, core.range) or not isinstance(node.target, ast.Name):
            raise TypeError("loops of kernels are over range, al.range, al.static_range, or tuples")
        self._counted(node, iterable)
        return None

    def _counted(self, node: ast.For, over: core.range) -> None:
        if _returns(node):
            raise TypeError("'return' in a loop whose trip count is not known at compile time")
        wide = any(isinstance(b, Value) and b.dtype.width == 64 for b in (over.start, over.stop, over.step))
        dtype = int64 if wide else int32
        start, stop, step = (semantic.cast(bound, dtype) for bound in (over.start, over.stop, over.step))
        backwards = isinstance(over.step, int) and over.step < 0
        if backwards:  # scf.for counts upwards: the iterations are counted
            size = semantic.binary("sub", start, stop)
            count = semantic.binary("floordiv", semantic.binary("add", size, -over.step - 1), -over.step)
            low, high, by = semantic.constant(0, dtype), count, semantic.constant(1, dtype)
        else:
            low, high, by = start, stop, step
        target = node.target
        assert isinstance(target, ast.Name)
        attributes = {
            name: ir.IntegerAttr.get(ir.IntegerType.get_signless(64), n) for name, n in over.attributes.items()
        }

        def build(inits: list[ir.Value], loop: _Loop) -> ir.Operation:
            op = builder().op(
                "scf.for", [low.handle, high.handle, by.handle, *inits], [v.type for v in inits], attributes, 1
            )
            kinds = [type_of(dtype, ()), *(v.type for v in inits)]
            block = op.regions[0].blocks.append(*kinds, arg_locs=[builder().loc] * len(kinds))
            number, *carried = block.arguments
            with builder().at(block):
                loop.enter(carried)
                variable = Value(number, dtype)
                if backwards:
                    variable = semantic.binary("add", start, semantic.binary("mul", variable, over.step))
                self.names[target.id] = variable
                self._block(node.body)
                loop.leave()
            return op

        self._loop(node, build, {target.id}, frozenset())

    def _while(self, node: ast.While) -> None:
        if node.orelse or _returns(node):
            raise TypeError("kernels have no 'else' or 'return' of loops")

        def build(inits: list[ir.Value], loop: _Loop) -> ir.Operation:
            kinds = [v.type for v in inits]
            op = builder().op("scf.while", inits, kinds, regions=2)
            first, second = (
                region.blocks.append(*kinds, arg_locs=[builder().loc] * len(kinds)) for region in op.regions
            )
            with builder().at(first):
                loop.enter(first.arguments)
                found = self._eval(node.test)
                if not isinstance(found, Value) or found.shape:
                    raise TypeError(f"'while' takes a scalar that is known when the kernel runs, not {found!r}")
                test = semantic.cast(found, int1)
                builder().op("scf.condition", [test.handle, *first.arguments])
            with builder().at(second):
                loop.enter(second.arguments)
                self._block(node.body)
                loop.leave()
            return op

        self._loop(node, build, set(), reads(node.test))

    def _loop(
        self, node: ast.For | ast.While, build: Callable[..., ir.Operation], local: set[str], tested: frozenset[str]
    ) -> None:
        """Trace a loop until the kinds of what it carries hold."""
        out = self.fn.live_out[node]
        needed = live_in(node.body, out | tested) | out | tested
        names = [n for n in assigned(node.body) if n not in local and n in self.names and n in needed]
        loop = _Loop(self, names)
        for _ in range(8):
            flat = loop.begin()
            op = build([value.handle for value in flat], loop)
            if loop.settled:
                self.names = dict(loop.before)
                self.names.update(zip(names, self._rebuilt(loop.kinds, op.results, flat), strict=True))
                return
            op.erase()
        raise TypeError("the types of what the loop carries do not settle")

    # --- expressions ---------------------------------------------------------------------------------------------

    def _eval(self, node: ast.expr) -> Any:
        method = getattr(self, f"_eval_{type(node).__name__}", None)
        try:
            if method is None:
                raise TypeError(f"kernels have no '{type(node).__name__}' expression")
            return method(node)
        except KernelError:
            raise
        except Exception as error:
            raise self._error(node, error) from error

    def _eval_Constant(self, node: ast.Constant) -> Any:
        return node.value

    def _eval_Name(self, node: ast.Name) -> Any:
        return self.names[node.id] if node.id in self.names else self.fn.lookup(node.id)

    def _eval_Tuple(self, node: ast.Tuple) -> Any:
        return tuple(self._eval(item) for item in node.elts)

    def _eval_List(self, node: ast.List) -> Any:
        return [self._eval(item) for item in node.elts]

    def _eval_Slice(self, node: ast.Slice) -> Any:
        return slice(*(self._eval(part) if part is not None else None for part in (node.lower, node.upper, node.step)))

    def _eval_Attribute(self, node: ast.Attribute) -> Any:
        return getattr(self._eval(node.value), node.attr)

    def _eval_Subscript(self, node: ast.Subscript) -> Any:
        return self._eval(node.value)[self._eval(node.slice)]

    def _eval_BinOp(self, node: ast.BinOp) -> Any:
        lhs, rhs = self._eval(node.left), self._eval(node.right)
        self._at(node)
        return _BINARY[type(node.op)](lhs, rhs)

    def _eval_UnaryOp(self, node: ast.UnaryOp) -> Any:
        return _UNARY[type(node.op)](self._eval(node.operand))

    def _eval_BoolOp(self, node: ast.BoolOp) -> Any:
        stop_at = isinstance(node.op, ast.Or)
        result = None
        for part in node.values:
            value = self._eval(part)
            if not isinstance(value, Value):
                if bool(value) == stop_at:
                    return value
                result = value if result is None else result
            elif not isinstance(result, Value):
                result = value
            else:
                both = (semantic.cast(result, int1), semantic.cast(value, int1))
                result = semantic.binary("or" if stop_at else "and", *both)
        return result

    def _eval_Compare(self, node: ast.Compare) -> Any:
        left, result = self._eval(node.left), None
        for kind, right_node in zip(node.ops, node.comparators, strict=True):
            right = self._eval(right_node)
            found = _COMPARE[type(kind)](left, right)
            if result is None:
                result = found
            elif isinstance(result, Value) or isinstance(found, Value):
                result = semantic.binary("and", result, found)
            else:
                result = result and found
            left = right
        return result

    def _eval_IfExp(self, node: ast.IfExp) -> Any:
        return self._conditional(node)

    def _eval_JoinedStr(self, node: ast.JoinedStr) -> str:
        parts = [self._eval(p.value) if isinstance(p, ast.FormattedValue) else self._eval(p) for p in node.values]
        return "".join(map(str, parts))

    def _eval_ListComp(self, node: ast.ListComp) -> list[Any]:
        (comprehension,) = node.generators
        saved, found = dict(self.names), []
        iterable = self._eval(comprehension.iter)
        for item in iterable.numbers if isinstance(iterable, core.static_range) else iterable:
            self._assign(comprehension.target, item)
            if all(self._eval(test) for test in comprehension.ifs):
                found.append(self._eval(node.elt))
        self.names = saved
        return found

    def _eval_Call(self, node: ast.Call) -> Any:
        callee = self._eval(node.func)
        args: list[Any] = []
        for part in node.args:
            if isinstance(part, ast.Starred):
                args += list(self._eval(part.value))
            else:
                args.append(self._eval(part))
        kwargs: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self._eval(keyword.value)
            kwargs.update(value if keyword.arg is None else {keyword.arg: value})
        self._at(node)
        if callee is builtins.range:
            return core.range(*args, **kwargs)
        try:
            hash(callee)
        except TypeError:
            pass
        else:
            if any(map(is_dynamic, args)) and callee in _ON_VALUES:
                return _ON_VALUES[callee](*args, **kwargs)
        inlined = callee.function if isinstance(callee, _Method) else callee
        if isinstance(inlined, KernelFunction):
            place = builder().loc
            try:
                return call(callee, args, kwargs)
            except KernelError as error:
                raise KernelError(f"{error}\n{self._error(node, TypeError('called here'))}") from error
            finally:
                builder().loc = place
        module = getattr(inlined, "__module__", "") or ""
        if any(isinstance(v, Value | Pointer) for v in (*args, *kwargs.values())) and not module.startswith(
            "astra_mlir"
        ):
            raise TypeError(
                f"'{getattr(inlined, '__name__', inlined)}' is a Python function: decorate it with @astra.kernel"
            )
        return call(callee, args, kwargs)


class _Loop:
    """What a loop carries, found by tracing its body until the kinds of all hold."""

    def __init__(self, tracer: Tracer, names: Sequence[str]) -> None:
        self.tracer = tracer
        self.names = names
        self.before = dict(tracer.names)
        self.kinds = [kind_of(self.before[name]) for name in names]
        self.flat: list[Value] = []
        self.settled = False
        self.again = False

    def begin(self) -> list[Value]:
        """The initial values, made before the loop."""
        builder().dry += self.again
        self.tracer.names = dict(self.before)
        pairs = zip(self.names, self.kinds, strict=True)
        self.flat = flatten([convert(self.before[name], kind) for name, kind in pairs])
        return self.flat

    def enter(self, arguments: Sequence[ir.Value]) -> None:
        """In a region: the names stand for its arguments."""
        self.tracer.names = dict(self.before)
        values = self.tracer._rebuilt(self.kinds, arguments, self.flat)
        self.tracer.names.update(zip(self.names, values, strict=True))

    def leave(self) -> None:
        """At the end of the body: yield, if the kinds hold."""
        finals = [self.tracer.names[name] for name in self.names]
        found = []
        for name, kind, final in zip(self.names, self.kinds, finals, strict=True):
            try:
                found.append(join(kind, kind_of(final)))
            except Mismatch as error:
                first = self.before[name]
                raise TypeError(f"'{name}' is {first!r} before the loop and {final!r} in it: {error}") from None
        self.settled = found == self.kinds
        if self.settled:
            values = flatten([convert(final, kind) for final, kind in zip(finals, found, strict=True)])
            builder().op("scf.yield", [value.handle for value in values])
        builder().dry -= self.again
        self.kinds, self.again = found, True


def _returns(node: ast.AST) -> bool:
    return any(isinstance(n, ast.Return) for n in ast.walk(node))


def _always_returns(statements: Sequence[ast.stmt]) -> bool:
    if not statements:
        return False
    last = statements[-1]
    if isinstance(last, ast.If):
        return _always_returns(last.body) and _always_returns(last.orelse)
    return isinstance(last, ast.Return)
