"""How long a case takes: seconds seen on one core of the development machine, which was busy with other work."""

# case: (full, smoke); on the data that come with the package, larger data sets take longer
SEEN: dict[str, tuple[float, float]] = {
    "arrow-context-length": (180, 1.1),
    "arrow-counted-text": (1, 0.16),
    "arrow-factoring": (56, 5.5),
    "arrow-identities": (0.59, 0.17),
    "arrow-inverse-density": (26, 0.21),
    "arrow-linear-language": (230, 13),
    "arrow-natural-text": (580, 2.3),
    "arrow-reversible-null": (130, 0.44),
    "arrow-sparse-update": (680, 0.58),
    "hessian-cross-entropy": (140, 35),
    "hessian-directions": (8.1, 12),
    "hessian-estimators": (31, 7),
    "hessian-mean-field": (70, 16),
    "hessian-narrow-valley": (8.2, 16),
    "hessian-top-eigenvalues": (12, 11),
    "hessian-training": (160, 2),
    "hessian-width-scan": (75, 3.2),
    "kare-expected-risk": (46, 0.24),
    "kare-failure-gallery": (22, 1.5),
    "kare-kernel-choice": (71, 0.23),
    "kare-measured-risk": (28, 0.096),
    "kare-predictor-moments": (30, 0.14),
    "kare-signal-capture-threshold": (4.5, 0.14),
    "kare-universality": (2.8, 0.071),
    "landscape-connectivity": (21, 0.43),
    "landscape-counts": (2, 0.057),
    "landscape-degenerate-pace": (130, 0.65),
    "landscape-duplication": (13, 0.43),
    "landscape-teacher-student": (790, 1.7),
    "layers-digits": (3.6, 0.22),
    "layers-kernels": (120, 5.4),
    "layers-spectra": (1.1, 2.4),
    "layers-training": (690, 5.6),
    "ntk-components": (150, 13),
    "ntk-constancy": (77, 18),
    "ntk-definiteness": (4.3, 0.31),
    "ntk-early-stopping": (0.21, 0.22),
    "ntk-random-features": (5.1, 6.5),
    "ntk-recursion": (53, 8.5),
    "ntk-regression": (670, 11),
    "order-chaos-batch-norm": (8.7, 5.5),
    "order-chaos-depth": (0.7, 1),
    "order-chaos-gan": (1500, 31),
    "order-chaos-generators": (230, 4.2),
    "order-chaos-layer-norm": (16, 8.1),
    "order-chaos-training": (14, 0.19),
    "random-features-average-eigenvalues": (28, 0.069),
    "random-features-average-predictor": (16, 0.53),
    "random-features-double-descent": (70, 1.3),
    "random-features-effective-ridge": (1.6, 0.23),
    "random-features-non-gaussian": (80, 0.69),
    "random-features-rate": (73, 0.12),
    "random-features-ridge-rules": (110, 0.38),
    "random-features-variance": (70, 1.1),
    "saddles-completion": (300, 0.5),
    "saddles-escape": (27, 1.2),
    "saddles-first-path": (37, 1.6),
    "saddles-oracles": (19, 1),
    "saddles-phases": (260, 2.6),
    "saddles-plateaus": (31, 1.7),
    "scaling-clean-labels": (150, 27),
    "scaling-fluctuations": (150, 15),
    "scaling-noisy-labels": (390, 19),
}


def expected_seconds(case: str, mode: str) -> float | None:
    """Seconds a case took on one core of the development machine; None for a case that was not timed.

    >>> expected_seconds("nobody-timed-this", "full") is None
    True
    """
    seen = SEEN.get(case)
    return None if seen is None else seen[0 if mode == "full" else 1]
