# Right answers to assignment 02 in other forms than the reference's; each must keep its points.


# %% transposed: two loops
def transposed(x, w, stride=1, padding=0):
    out = [0.0] * ((len(x) - 1) * stride + len(w))
    for i, a in enumerate(x.tolist()):
        for j, b in enumerate(w.tolist()):
            out[i * stride + j] += a * b
    return torch.tensor(out)[padding : len(out) - padding]


# %% transposed: zeros between the places, then a Fourier transform
def transposed(x, w, stride=1, padding=0):
    spread = torch.zeros((len(x) - 1) * stride + 1)
    spread[::stride] = x
    n = len(spread) + len(w) - 1
    out = torch.fft.irfft(torch.fft.rfft(spread, n) * torch.fft.rfft(w, n), n)
    return out[padding : n - padding]


# %% batch-norm: var with correction
def batch_norm(x, scale, shift, eps=1e-5):
    variance, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0, keepdim=True)
    return scale.view(1, -1, 1, 1) * (x - mean) * torch.rsqrt(variance + eps) + shift.view(1, -1, 1, 1)


# %% batch-norm: torch's own, which refuses an eps of 0
def batch_norm(x, scale, shift, eps=1e-5):
    return torch.nn.functional.batch_norm(x, None, None, scale, shift, training=True, eps=eps)


# %% batch-norm: a loop over channels
def batch_norm(x, scale, shift, eps=1e-5):
    out = torch.empty_like(x)
    for c in range(x.shape[1]):
        v = x[:, c]
        out[:, c] = (v - v.mean()) / torch.sqrt(((v - v.mean()) ** 2).mean() + eps) * scale[c] + shift[c]
    return out
