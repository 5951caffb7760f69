"""Moving through latent space. In: a `Model`; out: its pictures, moved."""
