"""A generator's graph, as torch exports it, and the steps of a web page that it becomes.

    lowered = Lowered(model.network)
    lowered.program                   # see program.py
    lowered.draw(z, condition)        # as the page will draw it

Whatever depends on no input is computed beforehand, so spectral norms and kernels become plain weights. The batch size
is 1, so all sizes are known.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.fx import Node, map_arg

from ..core.errors import DoesNotFit
from ..networks.layers import Generator
from .program import halved
from .steps import Steps, shape_of

__all__ = ["Lowered"]


class _Finished(nn.Module):
    """The generator's complete sampling, as one module."""

    def __init__(self, network: Generator) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor, condition: Tensor | None, share: Tensor) -> Tensor:
        return self.network.truncated(z, condition, share)


class Lowered:
    """The graph of a generator, which can be run here as the page will run it, and its program.

    Args:
        network: the generator.

    Raises:
        DoesNotFit: torch cannot export its graph, or the graph has an operation that a page does not support.
    """

    def __init__(self, network: Generator) -> None:
        exported = _exported(network)
        self.graph = [node for node in exported.graph.nodes if "_assert" not in str(node.target)]
        self.inputs, self.known = _begun(exported)
        for node in self.graph:
            if node.op == "call_function" and str(node.target).endswith("_like.default"):
                self.known[node] = _done(node, {each: torch.zeros(shape_of(each)) for each in node.all_input_nodes})
            elif node.op == "call_function" and all(each in self.known for each in node.all_input_nodes):
                self.known[node] = _done(node, self.known)
        answers: Any = self.graph[-1].args[0]
        self.output: Node = answers[0]
        self.program = Steps(self.graph, self.inputs, self.known).program(self.output)

    def draw(self, z: Float[Tensor, " l"], condition: Float[Tensor, " k"] | None, share: float = 1.0) -> Tensor:
        """The sample [*shape] that a page in half precision draws, up to the rounding of its sums."""
        values = {node: _rounded(value) for node, value in self.known.items()}
        asked = {"z": z[None], "share": torch.tensor(share)}
        asked |= {} if condition is None else {"condition": condition[None]}
        values |= {node: asked[name] for name, node in self.inputs.items()}
        for node in self.graph:
            if node.op == "call_function" and node not in values:
                values[node] = _done(node, values)
        sample: Tensor = values[self.output][0]
        return sample


def _exported(network: Generator) -> ExportedProgram:
    """The graph that torch exports.

    Raises:
        DoesNotFit: it exports none, because the control flow depends on values.
    """
    condition = torch.zeros(1, network.condition) if network.condition else None
    given = (torch.zeros(1, network.latent), condition, torch.ones(()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are about torch's own code
        try:
            return torch.export.export(_Finished(network).eval(), given).run_decompositions()
        except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
            why = str(error).strip().partition("\n")[0]
            raise DoesNotFit(f"torch finds no graph of this network that a web page could hold: {why}") from error


def _begun(exported: ExportedProgram) -> tuple[dict[str, Node], dict[Node, Any]]:
    """The graph's inputs by name, and its known values: the weights."""
    inputs, known = dict[str, Node](), dict[Node, Any]()
    nodes = {node.name: node for node in exported.graph.nodes if node.op == "placeholder"}
    for spec in exported.graph_signature.input_specs:
        node = nodes[spec.arg.name]
        if spec.kind is InputKind.USER_INPUT and isinstance(node.meta.get("val"), Tensor):
            inputs[spec.arg.name] = node
        elif spec.kind is InputKind.USER_INPUT:
            known[node] = None
        else:
            held: Mapping[Any, Any] = exported.state_dict if spec.target in exported.state_dict else exported.constants
            known[node] = held[spec.target].detach()
    return inputs, known


def _rounded(value: Any) -> Any:
    return halved(value) if isinstance(value, Tensor) and value.is_floating_point() else value


@torch.no_grad()
def _done(node: Node, values: Mapping[Node, Any]) -> Any:
    """Evaluate a node on these values."""
    does: Any = node.target
    args, named = map_arg((node.args, node.kwargs), lambda each: values[each])
    return does(*args, **named)
