"""Train the quantizers of EnCodec and DAC by their own code for a few steps, and keep their weights and what they answer.

The packages cannot be dependencies of the suite: `encodec` and `descript-audio-codec` need torchaudio, `transformers` brings
150 MB. Their quantizers need neither sound nor each other. Unpack `encodec-0.1.1.tar.gz` and
`descript_audio_codec-1.0.0-py3-none-any.whl` into two folders, install `transformers`, and run

    python make_weights.py FOLDER_OF_ENCODEC FOLDER_OF_DAC

It writes `weights/*.safetensors`: tensors of the model under `state.`, of the test under `x`, `indices`, `values`, and of
one more training step under `next.`.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path

import torch
from safetensors.torch import save_file

HERE = Path(__file__).parent / "weights"
D, WIDTH, K, STAGES, BATCH, TIME = 12, 4, 16, 3, 2, 40


def package(name, folder):
    """Make a package importable without running its `__init__`, which imports sound libraries."""
    module = types.ModuleType(name)
    module.__path__ = [str(Path(folder) / name.replace(".", "/"))]
    sys.modules[name] = module


def drawn(seed):
    return torch.randn(BATCH, D, TIME, generator=torch.Generator().manual_seed(seed)) * 1.5 + 0.3


def write(name, prefix, peer, extra):
    tensors = {f"state.{prefix}{key}": value for key, value in peer.items()} | extra
    save_file({key: value.detach().clone().contiguous() for key, value in tensors.items()}, HERE / f"{name}.safetensors")


def encodec(folder):
    package("encodec", folder)
    from encodec.quantization.core_vq import ResidualVectorQuantization

    for name, width in (("encodec", None), ("encodec_projected", WIDTH)):
        torch.manual_seed(0)
        peer = ResidualVectorQuantization(
            num_quantizers=STAGES, dim=D, codebook_size=K, codebook_dim=width, kmeans_init=True, threshold_ema_dead_code=0
        )
        for step in range(5):
            peer(drawn(step))
        peer.eval()
        x, state = drawn(100), {key: value.clone() for key, value in peer.state_dict().items()}
        indices = peer.encode(x)
        extra = {"x": x, "indices": indices.movedim(0, -1), "values": peer.decode(indices), "next.x": drawn(101)}
        peer.train()
        peer(extra["next.x"])
        after = {f"next.{key}": value for key, value in peer.state_dict().items() if key.endswith(("embed", "cluster_size"))}
        write(name, "quantizer.vq.", state, extra | after)


def encodec_of_transformers():
    from transformers import EncodecConfig
    from transformers.models.encodec.modeling_encodec import EncodecResidualVectorQuantizer

    config = EncodecConfig(codebook_size=K, codebook_dim=D, hidden_size=D, target_bandwidths=[2.25])
    torch.manual_seed(1)
    peer = EncodecResidualVectorQuantizer(config).eval()
    with torch.no_grad():
        for number, layer in enumerate(peer.layers):
            layer.codebook.embed.copy_(torch.randn(K, D) * 0.8**number)
            layer.codebook.cluster_size.copy_(torch.rand(K) * 9)
            layer.codebook.embed_avg.copy_(layer.codebook.embed * layer.codebook.cluster_size[:, None])
    x = drawn(100)
    indices = peer.encode(x)
    extra = {"x": x, "indices": indices.movedim(0, -1), "values": peer.decode(indices)}
    write("encodec_transformers", "quantizer.", peer.state_dict(), extra)


def trained_dac(peer, first):
    optimiser = torch.optim.Adam(peer.parameters(), lr=0.01)
    for step in range(20):
        x = drawn(first + step)
        values, _, _, commitment, codebook = peer(x)[:5]
        optimiser.zero_grad()
        ((values - x).square().mean() + 0.25 * commitment.mean() + codebook.mean()).backward()
        optimiser.step()
    peer.eval()
    optimiser.zero_grad(set_to_none=True)


def answered(peer):
    with torch.no_grad():
        values, indices = peer(drawn(100))[:2]
    return {"x": drawn(100), "indices": indices.movedim(1, -1), "values": values}


def stepped(peer):
    """Return the losses and the gradients of a training step."""
    peer.train()
    x = drawn(101).requires_grad_()
    values, _, _, commitment, codebook = peer(x)[:5]
    commitment, codebook = 0.25 * commitment.mean(), codebook.mean()
    loss = values.square().sum() + commitment + codebook
    loss.backward()
    gradients = {f"next.gradient.{name}": each.grad for name, each in peer.named_parameters()}
    losses = {"next.commitment": commitment, "next.codebook": codebook}
    return {"next.x": x, "next.gradient.x": x.grad} | losses | gradients


def dac(folder):
    package("dac", folder)
    package("dac.nn", folder)
    from dac.nn.quantize import ResidualVectorQuantize

    torch.manual_seed(2)
    peer = ResidualVectorQuantize(input_dim=D, n_codebooks=STAGES, codebook_size=K, codebook_dim=WIDTH)
    trained_dac(peer, 20)
    state, extra = {key: value.clone() for key, value in peer.state_dict().items()}, answered(peer)
    write("dac", "quantizer.", state, extra | stepped(peer))
    # The same weights under the names of torch's newer weight normalisation.
    new = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
    renamed = {
        key.replace(last, new.get(last, last)): value for key, value in state.items() for last in [key.rsplit(".", 1)[1]]
    }
    write("dac_parametrized", "quantizer.", renamed, extra)


def dac_of_transformers():
    from transformers import DacConfig
    from transformers.models.dac.modeling_dac import DacResidualVectorQuantizer

    torch.manual_seed(3)
    peer = DacResidualVectorQuantizer(DacConfig(n_codebooks=STAGES, codebook_size=K, codebook_dim=WIDTH, hidden_size=D))
    trained_dac(peer, 50)
    state, extra = {key: value.clone() for key, value in peer.state_dict().items()}, answered(peer)
    write("dac_transformers", "quantizer.", state, extra | stepped(peer))


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    encodec(sys.argv[1])
    encodec_of_transformers()
    dac(sys.argv[2])
    dac_of_transformers()
