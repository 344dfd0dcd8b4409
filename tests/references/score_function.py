"""The exact gradient of an expected loss, and REBAR as its paper writes it: z̃ drawn given k, derivatives by autograd."""

from __future__ import annotations

import torch


def exact_gradient(logits, losses):
    """Return d/dlogits Σ_k p_k f_k = p ⊙ (f - pᵀf) of one vector, all (K,)."""
    p = torch.softmax(logits, -1)
    return p * (losses - (p * losses).sum())


def rebar_of_the_paper(loss, logits, values, uniforms, temperature, scale):
    """Return the estimate (K,) for one vector, with z̃ from the v that makes it equal z: common random numbers."""
    logits = logits.detach().clone().requires_grad_()
    log_p = torch.log_softmax(logits, -1)
    z = log_p - torch.log(-torch.log(uniforms))
    k = int(z.argmax())
    # v | k: the largest has e^{-e^{-z}} = v_k, the others e^{-z_i} = -ln v_i / p_i - ln v_k.
    v = torch.empty_like(uniforms)
    fixed, p = z.detach(), log_p.detach().exp()
    v[k] = torch.exp(-torch.exp(-fixed[k]))
    for i in range(len(v)):
        if i != k:
            v[i] = torch.exp(-p[i] * (torch.exp(-fixed[i]) + torch.log(v[k])))
    again = []
    for i in range(len(v)):
        if i == k:
            again.append(-torch.log(-torch.log(v[k])))
        else:
            again.append(-torch.log(-torch.log(v[i]) / log_p[i].exp() - torch.log(v[k])))
    z_again = torch.stack(again)

    def control(at):
        return scale * loss(torch.softmax(at / temperature, -1) @ values)

    hard = loss(values[k])
    weight = (hard - control(z_again)).detach()
    total = weight * log_p[k] + control(z) - control(z_again)
    return torch.autograd.grad(total, logits)[0]
