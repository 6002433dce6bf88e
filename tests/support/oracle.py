"""The library's formulas once more: slow, plain, in NumPy and float64.

Nothing here is taken from the library; the tests compare the two.
"""

import numpy as np
from scipy import ndimage

PAD_MODES = {
    "zeros": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}


def sampled_log(sigma, size):
    """Negated Laplacian of Gaussian at the pixels, up to a factor."""
    half = size // 2
    kernel = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            r2 = (i - half) ** 2 + (j - half) ** 2
            kernel[i, j] = (2 * sigma**2 - r2) * np.exp(-r2 / (2 * sigma**2))
    return kernel


def log_kernel(sigma, size):
    return balanced(sampled_log(sigma, size))


def dog_kernel(sigma, ratio, size):
    r2 = (np.indices((size, size)) - size // 2).astype(float) ** 2
    gauss = [np.exp(-r2.sum(0) / (2 * s**2)) for s in (sigma, ratio * sigma)]
    return balanced(gauss[0] / gauss[0].sum() - gauss[1] / gauss[1].sum())


def balanced(kernel):
    kernel = kernel - kernel.mean()
    return kernel / np.linalg.norm(kernel)


def energy(delta):
    return np.linalg.norm(delta, axis=1, keepdims=True)


def response(e, kernel):
    """Correlate each map with the kernel, mirrored at the border."""
    return np.stack([ndimage.correlate(m[0], kernel, mode="mirror")[None] for m in e])


def mask(e, kernels, threshold=0.0):
    """Keep what any scale keeps; keep a map whole if every scale finds it flat."""
    kept = np.zeros(e.shape, bool)
    for b, e_b in enumerate(e):
        flat = []
        for kernel in kernels:
            r = response(e_b[None], kernel)[0]
            flat.append(np.abs(r).max() < 1e-12 * e_b.max())
            if not flat[-1]:
                kept[b] |= r > threshold * r.std() + 1e-13 * e_b.max()
        if all(flat):
            kept[b] = True
    return kept


def padded(a, sides, mode="zeros"):
    """Pad (B, C, H, W) by sides (top, bottom, left, right)."""
    top, bottom, left, right = sides
    widths = ((0, 0), (0, 0), (top, bottom), (left, right))
    return np.pad(a, widths, mode=PAD_MODES[mode])


def patches(a, shape, kernel_size, stride, dilation):
    """Yield (y, x, patch (B, C, kh, kw)) for every output position."""
    for y in range(shape[0]):
        for x in range(shape[1]):
            rows = y * stride[0] + dilation[0] * np.arange(kernel_size[0])
            columns = x * stride[1] + dilation[1] * np.arange(kernel_size[1])
            yield y, x, a[:, :, rows[:, None], columns]


def weight_gradients(delta, a, kernel_size, stride=(1, 1), dilation=(1, 1), groups=1):
    """Sum over positions of error times input patch: (B, out, in/groups, kh, kw)."""
    batch, out = delta.shape[:2]
    inside = a.shape[1] // groups
    g = np.zeros((batch, out, inside, *kernel_size))
    for y, x, patch in patches(a, delta.shape[2:], kernel_size, stride, dilation):
        for o in range(out):
            first = (o // (out // groups)) * inside
            for b in range(batch):
                g[b, o] += delta[b, o, y, x] * patch[b, first : first + inside]
    return g


def contribution_energy(
    delta, a, kernel_size, stride=(1, 1), dilation=(1, 1), groups=1
):
    """Frobenius norm of every position's own share of the weight gradient."""
    e = np.zeros((len(delta), 1, *delta.shape[2:]))
    for y in range(e.shape[2]):
        for x in range(e.shape[3]):
            alone = np.zeros_like(delta)
            alone[:, :, y, x] = delta[:, :, y, x]
            g = weight_gradients(alone, a, kernel_size, stride, dilation, groups)
            e[:, 0, y, x] = np.sqrt((g**2).reshape(len(g), -1).sum(1))
    return e


def projected(delta, z, groups=None):
    """Remove from delta its parts along 1 and along z - mean(z), by least squares."""
    if groups is None:
        joint = [np.s_[:, c] for c in range(z.shape[1])]
    else:
        each = z.shape[1] // groups
        joint = [
            np.s_[b, g * each : (g + 1) * each]
            for b in range(len(z))
            for g in range(groups)
        ]
    out = np.array(delta)
    for part in joint:
        basis = np.stack([np.ones(z[part].size), z[part].ravel()], axis=1)
        coefficients = np.linalg.lstsq(basis, delta[part].ravel(), rcond=None)[0]
        out[part] -= (basis @ coefficients).reshape(delta[part].shape)
    return out
