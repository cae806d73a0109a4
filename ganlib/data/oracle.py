"""A language model, and the oracle: such a model with random weights, whose sequences have a known probability."""

import torch
from torch import Tensor, nn

from ganlib.budget import device, private_seed
from ganlib.checks import whole
from ganlib.data.sequences import Sequences


class LanguageModel(nn.Module):
    """p(Y) = prod_t p(y_t | y_1 ... y_{t-1}) of sequences (N, T) of tokens 0 ... V-1: an embedding, an LSTM, a softmax.

    Args:
        vocabulary: V. One more token, V itself, stands before the first word.
        length: T.
        width: of the embedding and of the LSTM's state.
    """

    def __init__(self, vocabulary: int, length: int, width: int):
        super().__init__()
        self.vocabulary, self.length = whole("vocabulary", vocabulary), whole("length", length)
        self.embedding = nn.Embedding(vocabulary + 1, width)
        self.cell = nn.LSTMCell(width, width)
        self.words = nn.Linear(width, vocabulary)

    def extra_repr(self) -> str:
        return f"vocabulary={self.vocabulary}, length={self.length}"

    def begin(self, n: int) -> tuple[Tensor, Tensor]:
        """The state (h, c), each (n, width), in which the first word is drawn."""
        return self.cell(self.embedding.weight[-1:].expand(n, -1))

    def read(self, words: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """The state after one more word (N,)."""
        return self.cell(self.embedding(words), state)

    def log_probs(self, tokens: Tensor, context: Tensor | None = None, temperature: float = 1.0) -> Tensor:
        """log p(y_t | y_1 ... y_{t-1}) of every word of sequences (N, T): (N, T).

        ``context`` (N, T) are the words that the model reads, if they are not the same. A temperature below 1 is the
        probability of samples that are drawn at it.
        """
        context = tokens if context is None else context
        state, states = self.begin(len(tokens)), []
        for t in range(tokens.shape[1]):
            states.append(state[0])
            if t + 1 < tokens.shape[1]:
                state = self.read(context[:, t], state)
        scores = (self.words(torch.stack(states, dim=1)) / temperature).log_softmax(2)
        return scores.gather(2, tokens[:, :, None])[:, :, 0]

    def log_prob(self, tokens: Tensor) -> Tensor:
        """log p(Y) of sequences (N, T): (N,)."""
        return self.log_probs(tokens).sum(1)

    @torch.no_grad()
    def draw(self, h: Tensor, u: Tensor, temperature: float = 1.0) -> Tensor:
        """A word (N,) for each state h (N, width) from a number u (N,) in [0, 1): the inverse of the softmax's sums.

        It is a function of u: equal numbers draw equal words. Several times faster than ``torch.multinomial``.
        """
        scores = self.words(h) if temperature == 1 else self.words(h) / temperature
        # in place: a fresh table of all words for each step would cost more than the sums
        cumulative = scores.sub_(scores.amax(1, keepdim=True)).exp_().cumsum_(1)
        found = torch.searchsorted(cumulative, u[:, None].to(cumulative.dtype) * cumulative[:, -1:], right=True)
        return found[:, 0].clamp(max=self.vocabulary - 1)

    @torch.no_grad()
    def forward(self, u: Tensor, prefix: Tensor | None = None, temperature: float = 1.0) -> Tensor:
        """Sequences (N, T) from numbers u (N, T) in [0, 1), one a word; the words of a prefix (N, P) are kept."""
        state, tokens = self.begin(len(u)), [] if prefix is None else list(prefix.unbind(1))
        for t in range(self.length):
            if t:
                state = self.read(tokens[t - 1], state)
            if t == len(tokens):
                tokens.append(self.draw(state[0], u[:, t], temperature))
        return torch.stack(tokens, dim=1)

    @torch.no_grad()
    def strewn(self, tokens: Tensor, own: Tensor, u: Tensor) -> Tensor:
        """Sequences (N, T) with words of the model's own where ``own`` (N, T) is true, drawn after those before."""
        state, words = self.begin(len(tokens)), []
        for t in range(tokens.shape[1]):
            words.append(torch.where(own[:, t], self.draw(state[0], u[:, t]), tokens[:, t]))
            state = self.read(words[t], state)
        return torch.stack(words, dim=1)


class Oracle(LanguageModel):
    """A language model whose weights are all drawn from N(0, 1): a truth that is known (Yu et al. 2017, section 5.1).

    Args:
        vocabulary, length, width: the paper has 5000, 20 and 32.
        seed: of the weights.
    """

    def __init__(self, vocabulary: int = 5000, length: int = 20, width: int = 32, seed: int = 0):
        super().__init__(vocabulary, length, width)
        self.to(device())
        with private_seed(seed, device()):
            for parameter in self.parameters():
                nn.init.normal_(parameter)
        self.requires_grad_(False)

    def sequences(self, n: int, seed: int = 0) -> Sequences:
        """A set of n sequences of the oracle."""
        with private_seed(seed, self.embedding.weight.device):
            u = torch.rand(whole("n", n), self.length, device=self.embedding.weight.device)
        words = tuple(f"w{i}" for i in range(self.vocabulary))
        return Sequences(torch.cat([self(part) for part in u.split(1000)]), words, "oracle")
