"""How good sequences are: against an oracle, which knows their probability, and by the n-grams they share with others.

One figure never tells. A low oracle NLL is had by a generator that only draws the likeliest sequences, a high BLEU by
one that copies or repeats itself: look at the distances in both directions, at self-BLEU and the share of copies too.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganlib.checks import require, whole
from ganlib.data.oracle import LanguageModel

Sentences = Sequence[Sequence[Hashable]]


@dataclass(frozen=True)
class OracleScore:
    """A generator G against an oracle p, in nats a word; each is a mean over n sequences.

    Attributes:
        nll: -E_G log p, the oracle's negative log-likelihood of generated sequences (SeqGAN's Table 1).
        entropy: H(G) = -E_G log G.
        kl_g_p: KL(G || p) = nll - entropy: how unlikely G's sequences are. At least 0, but for noise.
        kl_p_g: KL(p || G) = -E_p log G - H(p): what of p is missed.
        test_nll: -E_p log G, on sequences of the oracle.
        n: sequences of each.
    """

    nll: float
    entropy: float
    kl_g_p: float
    kl_p_g: float
    test_nll: float
    n: int

    def __str__(self) -> str:
        distances = f"KL(G||p) {self.kl_g_p:.3f}, KL(p||G) {self.kl_p_g:.3f}"
        return f"oracle NLL {self.nll:.3f}, H(G) {self.entropy:.3f}, {distances} (nats a word, n = {self.n:,})"


@torch.no_grad()
def oracle_nll(
    samples: Tensor, generator: LanguageModel, oracle: LanguageModel, test: Tensor, temperature: float = 1.0
) -> OracleScore:
    """Sequences (n, T) of a generator judged by the oracle, and the oracle's own (m, T) by the generator.

    ``temperature`` is the one that the samples were drawn at, and at which the generator judges.

    Raises:
        ValueError: sequences of another length than the oracle's.
    """
    for name, tokens in dict(samples=samples, test=test).items():
        ok = tokens.dim() == 2 and tokens.shape[1] == oracle.length and len(tokens) > 0
        require(ok, f"{name} has shape {tuple(tokens.shape)}; it must be (n, {oracle.length})")

    nll, entropy = mean_nll(oracle, samples), mean_nll(generator, samples, temperature)
    test_nll = mean_nll(generator, test, temperature)
    return OracleScore(nll, entropy, nll - entropy, test_nll - mean_nll(oracle, test), test_nll, len(samples))


@torch.no_grad()
def perplexity(generator: LanguageModel, tokens: Tensor) -> float:
    """exp of the mean negative log-likelihood a word, of sequences (N, T): 1 is certain, V is guessing."""
    return math.exp(mean_nll(generator, tokens))


def mean_nll(model: LanguageModel, tokens: Tensor, temperature: float = 1.0) -> float:
    """The mean of -log p of every word of sequences (N, T) under a model."""
    parts = [model.log_probs(part, temperature=temperature) for part in tokens.split(1000)]
    return -torch.cat(parts).double().mean().item()


def ngrams(sentence: Sequence[Hashable], n: int) -> Counter:
    """How often each run of n words occurs."""
    return Counter(tuple(sentence[i : i + n]) for i in range(len(sentence) - n + 1))


def bleu(samples: Sentences, references: Sentences, n: int = 2) -> float:
    """The mean over samples of BLEU-n (Papineni et al. 2002) with all references: from 0 to 1.

    BLEU-n of a sentence is the geometric mean of its precisions p_1 ... p_n times a brevity penalty. p_k is the share
    of its k-grams that occur in the references, each counted at most as often as in that reference which has it most.
    The penalty is exp(1 - r / c) for c words where the nearest reference length r (the shorter of two) is greater.

    Smoothing: where no k-gram is shared, 0.1 takes the place of that count (Chen and Cherry 2014, method 1), unless not
    even a word is: then the sentence scores 0. k-grams longer than a sentence count as one that is not shared.

    Raises:
        ValueError: no samples, no references, or n below 1.
    """
    whole("n", n)
    require(len(samples) > 0, "samples is empty; it must have at least one sequence")
    require(len(references) > 0, "references is empty; it must have at least one sequence")
    most: list[Counter] = [Counter() for _ in range(n)]
    for reference in references:
        for k in range(1, n + 1):
            most[k - 1] |= ngrams(reference, k)  # the union of counters keeps the larger count
    lengths = sorted({len(reference) for reference in references})
    return math.fsum(_sentence_bleu(sample, most, lengths) for sample in samples) / len(samples)


def _sentence_bleu(sample: Sequence[Hashable], most: list[Counter], lengths: list[int]) -> float:
    logs = []
    for k, allowed in enumerate(most, start=1):
        counts = ngrams(sample, k)
        shared = sum(min(count, allowed[gram]) for gram, count in counts.items())
        if k == 1 and not shared:
            return 0.0
        logs.append(math.log((shared or 0.1) / max(sum(counts.values()), 1)))
    nearest = min(lengths, key=lambda length: (abs(length - len(sample)), length))
    penalty = min(0.0, 1 - nearest / len(sample))
    return math.exp(math.fsum(logs) / len(logs) + penalty)


def self_bleu(samples: Sentences, n: int = 2) -> float:
    """The mean BLEU-n of each sample with all *others* as references (Zhu et al. 2018): low is varied, 1 is one text.

    The sample itself is not among its references, or every set would score 1.
    """
    require(len(samples) > 1, f"samples holds {len(samples)} sequences; it must have at least two")
    return math.fsum(bleu([s], [*samples[:i], *samples[i + 1 :]], n) for i, s in enumerate(samples)) / len(samples)


def copied(samples: Sentences, references: Sentences) -> float:
    """The share of samples that are, word for word, among the references."""
    known = {tuple(reference) for reference in references}
    require(len(samples) > 0, "samples is empty; it must have at least one sequence")
    return sum(tuple(sample) in known for sample in samples) / len(samples)
