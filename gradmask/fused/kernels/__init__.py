"""The kernels themselves, in Triton; nothing but `gradmask.fused` launches them."""
