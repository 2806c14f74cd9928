"""Ten papers as data: title, authors, year, venue, arXiv number, topics, a summary in our own words."""

import difflib
from dataclasses import asdict, dataclass
from typing import Any

from theodolite.numerics.errors import BadInput


@dataclass(frozen=True)
class Paper:
    """One work. `key` names its cases, `year` is that of the first arXiv version, `implemented_by` are public names."""

    key: str
    title: str
    authors: tuple[str, ...]
    year: int
    venue: str
    arxiv: str
    topics: tuple[str, ...]
    summary: str
    implemented_by: tuple[str, ...]
    also_titled: str = ""

    @property
    def link(self) -> str:
        """The address of the work on arXiv."""
        return f"https://arxiv.org/abs/{self.arxiv}"

    def to_json(self) -> dict[str, Any]:
        """All fields and the link, as a dictionary."""
        return {**{name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}, "link": self.link}


PAPERS: tuple[Paper, ...] = (
    Paper(
        "ntk",
        "Neural Tangent Kernel: Convergence and Generalization in Neural Networks",
        ("Arthur Jacot", "Franck Gabriel", "Clément Hongler"),
        2018,
        "NeurIPS 2018",
        "1806.07572",
        ("neural tangent kernel", "infinite width", "training dynamics"),
        "Gradient descent on a wide network moves its outputs by kernel gradient descent with a kernel that is fixed "
        "at initialisation in the limit of infinite width; its eigenfunctions are learned one by one, the largest "
        "first.",
        (
            "infinite_width.ntk",
            "infinite_width.definiteness",
            "finite_width.tangent_kernel",
            "training_dynamics.kernel_flow",
        ),
    ),
    Paper(
        "scaling",
        "Scaling description of generalization with number of parameters in deep learning",
        (
            "Mario Geiger",
            "Arthur Jacot",
            "Stefano Spigler",
            "Franck Gabriel",
            "Levent Sagun",
            "Stéphane d'Ascoli",
            "Giulio Biroli",
            "Clément Hongler",
            "Matthieu Wyart",
        ),
        2019,
        "Journal of Statistical Mechanics 2020",
        "1901.01608",
        ("overparametrisation", "double descent", "ensembles", "neural tangent kernel"),
        "The output of a trained network fluctuates over initialisations by the fourth root of one over its number of "
        "parameters, which explains the slow fall of the test error beyond the point where the data are fitted, and "
        "why averages of several networks just beyond it are a good use of a budget.",
        ("training_dynamics.fluctuation", "training_dynamics.jamming_width", "training_dynamics.allocate"),
    ),
    Paper(
        "order-chaos",
        "Order and Chaos: NTK views on DNN Normalization, Checkerboard and Boundary Artifacts",
        ("Arthur Jacot", "Franck Gabriel", "François Ged", "Clément Hongler"),
        2019,
        "MSML 2022",
        "1907.05715",
        ("neural tangent kernel", "depth", "normalisation", "generative networks"),
        "One number of the activation and the bias decides whether depth makes all inputs alike or all different; "
        "normalisation moves a network from the first to the second, and in the first generators draw checkerboards.",
        ("infinite_width.phase", "infinite_width.checkerboards", "infinite_width.position_kernels"),
        also_titled="Freeze and Chaos: NTK views on DNN Normalization, Checkerboard and Boundary Artifacts",
    ),
    Paper(
        "hessian",
        "The asymptotic spectrum of the Hessian of DNN throughout training",
        ("Arthur Jacot", "Franck Gabriel", "Clément Hongler"),
        2019,
        "ICLR 2020",
        "1910.02875",
        ("curvature", "neural tangent kernel", "training dynamics"),
        "The Hessian of a wide network is a Gauss-Newton part, which the tangent kernel knows, plus a residual part "
        "orthogonal to it whose moments beyond the second vanish; all four moments can be followed through training.",
        ("curvature.report", "curvature.limiting_kernels", "curvature.forecast"),
    ),
    Paper(
        "random-features",
        "Implicit Regularization of Random Feature Models",
        ("Arthur Jacot", "Berfin Simsek", "Francesco Spadaro", "Clément Hongler", "Franck Gabriel"),
        2020,
        "ICML 2020",
        "2002.08404",
        ("random features", "kernel methods", "double descent"),
        "A model of finitely many random features is, on average, kernel ridge regression with a larger ridge; the "
        "derivative of that ridge is the variance of single models, and explodes where features are as many as points.",
        ("random_features.effective_ridge", "random_features.risk_curve", "random_features.RandomFeatureRidge"),
    ),
    Paper(
        "kare",
        "Kernel Alignment Risk Estimator: Risk Prediction from Training Data",
        ("Arthur Jacot", "Berfin Simsek", "Francesco Spadaro", "Clément Hongler", "Franck Gabriel"),
        2020,
        "NeurIPS 2020",
        "2006.09796",
        ("kernel methods", "risk estimation", "model selection"),
        "The risk of kernel ridge regression on new points is estimated from the training points alone, and the "
        "eigenfunctions that are learned are told from those that are not by one threshold.",
        ("kernel_regression.kare", "kernel_regression.signal_capture_threshold", "survey.KernelSurvey"),
    ),
    Paper(
        "landscape",
        "Geometry of the Loss Landscape in Overparameterized Neural Networks: Symmetries and Invariances",
        (
            "Berfin Simsek",
            "François Ged",
            "Arthur Jacot",
            "Francesco Spadaro",
            "Clément Hongler",
            "Wulfram Gerstner",
            "Johanni Brea",
        ),
        2021,
        "ICML 2021",
        "2105.12221",
        ("loss landscape", "overparametrisation", "symmetry"),
        "Copies of neurons turn each critical point of a small network into subspaces of critical points of a larger "
        "one; counting them shows saddles ahead of minima for few extra neurons and far behind for many, and one spare "
        "neuron a layer joins all permutations of a minimum.",
        ("landscape.count_saddles", "landscape.count_minima", "landscape.reduce", "landscape.connect"),
    ),
    Paper(
        "saddles",
        "Saddle-to-Saddle Dynamics in Deep Linear Networks: Small Initialization Training, Symmetry, and Sparsity",
        ("Arthur Jacot", "François Ged", "Berfin Simsek", "Clément Hongler", "Franck Gabriel"),
        2021,
        "arXiv",
        "2106.15933",
        ("training dynamics", "saddle points", "low rank"),
        "Deep linear networks that start from very small weights visit saddles of growing rank, one after the other, "
        "as a greedy search for a solution of low rank would.",
        (
            "training_dynamics.saddles.greedy_low_rank",
            "training_dynamics.saddles.RankMonitor",
            "training_dynamics.saddles.LowRankCompletion",
        ),
    ),
    Paper(
        "layers",
        "Understanding Layer-wise Contributions in Deep Neural Networks through Spectral Analysis",
        ("Yatin Dandi", "Arthur Jacot"),
        2021,
        "arXiv",
        "2111.03972",
        ("neural tangent kernel", "spectral bias", "depth"),
        "Split over layers, the tangent kernel shows that the first layers of a deep network are the ones that learn "
        "high frequencies.",
        ("infinite_width.layer_spectra", "infinite_width.which_layers", "training_dynamics.LayerAttribution"),
    ),
    Paper(
        "arrow",
        "Arrows of Time for Large Language Models",
        ("Vassilis Papadopoulos", "Jérémie Wenger", "Clément Hongler"),
        2024,
        "ICML 2024",
        "2401.17505",
        ("language models", "arrow of time"),
        "Models of language predict the next token better than the previous one, though in principle both are equally "
        "hard; sparsity and the cost of computing an inverse explain how such an arrow can arise.",
        ("language_arrow.measure",),
    ),
)


def paper(key: str) -> Paper:
    """The work with a key. Raises: BadInput, with the nearest keys.

    >>> paper("kare").year
    2020
    """
    for one in PAPERS:
        if one.key == key:
            return one
    known = [one.key for one in PAPERS]
    near = difflib.get_close_matches(key.lower(), known, 1)
    raise BadInput(
        f"no paper has the key {key!r}{f'; did you mean {near[0]!r}?' if near else ''} known: {', '.join(known)}"
    )
