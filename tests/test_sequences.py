"""Sequences: every gradient against enumeration, on a world small enough to write all its sequences down."""

import itertools
import math

import pytest
import torch

import ganlib as gl
from ganlib.data.oracle import LanguageModel, Oracle
from ganlib.data.sequences import of_lines
from ganlib.metrics.text import bleu, copied, ngrams, oracle_nll, perplexity, self_bleu
from ganlib.models import maligan, seqgan

V, T = 3, 4
ALL = torch.tensor(list(itertools.product(range(V), repeat=T)))  # the 81 sequences there are


@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def model(seed=0, scale=1.0):
    torch.manual_seed(seed)
    m = LanguageModel(V, T, 5)
    for p in m.parameters():
        torch.nn.init.normal_(p, 0, scale)
    return m


def gradient(loss, m):
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(m.parameters()))])


def table(seed=3):
    """A reward between 0 and 1 for every sequence."""
    values = torch.rand(V**T, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    powers = V ** torch.arange(T - 1, -1, -1)
    return lambda tokens: values[(tokens * powers).sum(1)]


def exact_q(policy, reward, tokens):
    """Q(Y_1:t-1, y_t) by summing over every completion."""
    p, r, q = policy.log_prob(ALL).exp(), reward(ALL), torch.zeros(tokens.shape)
    for i, y in enumerate(tokens):
        for t in range(1, T + 1):
            same = (ALL[:, :t] == y[:t]).all(1)
            q[i, t - 1] = (p[same] * r[same]).sum() / p[same].sum()
    return q.detach()


def test_probabilities_of_all_sequences_sum_to_one(double):
    m = model()
    assert m.log_prob(ALL).exp().sum().item() == pytest.approx(1, abs=1e-12)
    # each word's is the softmax after what stands before it
    state = m.begin(1)
    for t, word in enumerate((2, 0, 1, 1)):
        by_hand = m.words(state[0]).log_softmax(1)[0, word]
        assert m.log_probs(torch.tensor([[2, 0, 1, 1]]))[0, t].item() == pytest.approx(by_hand.item(), abs=1e-12)
        state = m.read(torch.tensor([word]), state)


def test_samples_have_the_model_s_probabilities(double):
    """u at the middles of a fine grid draws the first word as often as the softmax says; whole chains by frequency."""
    m = model()
    u = (torch.arange(30_000) + 0.5) / 30_000
    first = m.draw(m.begin(30_000)[0], u)
    assert (first.bincount(minlength=V) / 30_000).tolist() == pytest.approx(
        m.words(m.begin(1)[0]).softmax(1)[0].tolist(), abs=1e-4
    )
    torch.manual_seed(0)
    tokens = m(torch.rand(40_000, T))
    counts = torch.zeros(V**T).index_add_(0, (tokens * V ** torch.arange(T - 1, -1, -1)).sum(1), torch.ones(40_000))
    p = m.log_prob(ALL).exp()
    assert ((counts - 40_000 * p).square() / (40_000 * p)).sum().item() < 130  # chi-square, 80 degrees: 99.98 %
    assert torch.equal(m(torch.rand(5, T), prefix=ALL[:5, :2])[:, :2], ALL[:5, :2])
    cold = m(torch.rand(500, T), temperature=1e-3)
    assert (cold == cold[0]).all()  # the likeliest word, always


def test_policy_gradient_with_exact_q_is_the_gradient_of_j(double):
    """Eq. 1 differentiated by autograd, against the sum over all Y of p(Y) sum_t Q grad log G (Eqs. 6-8)."""
    m, reward = model(), table()
    j = (m.log_prob(ALL).exp() * reward(ALL)).sum()
    q, p = exact_q(m, reward, ALL), m.log_prob(ALL).exp().detach()
    truth = gradient(j, m)
    estimate = gradient((p * (q * m.log_probs(ALL)).sum(1)).sum(), m)
    torch.testing.assert_close(estimate, truth, rtol=0, atol=1e-12)
    b = torch.tensor([0.3, -2.0, 1.0, 0.5])  # a number for each place takes nothing from the gradient
    with_baseline = gradient((p * ((q - b) * m.log_probs(ALL)).sum(1)).sum(), m)
    torch.testing.assert_close(with_baseline, truth, rtol=0, atol=1e-12)
    # Q of the prefix *without* y_t is such a number too: it gives a gradient of 0
    before = torch.cat([(p * reward(ALL)).sum().expand(len(ALL), 1), q[:, :-1]], dim=1)
    wrong = gradient((p * (before * m.log_probs(ALL)).sum(1)).sum(), m)
    torch.testing.assert_close(wrong, torch.zeros_like(wrong), rtol=0, atol=1e-12)


def test_a_constant_reward_has_no_gradient(double):
    m = model()
    p = m.log_prob(ALL).exp().detach()
    nothing = gradient((p * (0.7 * m.log_probs(ALL)).sum(1)).sum(), m)
    torch.testing.assert_close(nothing, torch.zeros_like(nothing), rtol=0, atol=1e-12)


def game(kind=seqgan.SeqGAN, **settings):
    settings = dict(pretrain=0, d_pretrain=0, d_steps=0) | settings
    sgd = lambda parameters: torch.optim.SGD(parameters, lr=1.0)  # noqa: E731  a step is minus the gradient
    torch.manual_seed(1)
    return kind(model(), seqgan.Discriminator(V, T, 4), g_optimizer=sgd, **settings)


def moved(gan, batch):
    """Minus the gradient that a generator's step descended."""
    before = torch.cat([p.detach().flatten() for p in gan.generator.parameters()])
    gan.generator_step(batch)
    return torch.cat([p.detach().flatten() for p in gan.generator.parameters()]) - before


def test_a_step_is_the_policy_gradient_of_its_sample(double):
    """With the samples of a step given, the update is mean_i sum_t (Q - b) grad log G, b the mean of the others."""
    gan, reward = game(reward=table(), rollouts=2), table()
    tokens = ALL[[3, 40, 77, 12, 64]]
    gan.generator.forward = lambda u, *rest: tokens
    q = exact_q(gan.generator, reward, tokens)
    gan.action_values = lambda y: q if torch.equal(y, tokens) else None
    b = torch.stack([q[[j for j in range(5) if j != i]].mean(0) for i in range(5)])
    wanted = gradient(((q - b) * gan.generator.log_probs(tokens)).sum(1).mean(), gan.generator)
    torch.testing.assert_close(moved(gan, tokens), wanted, rtol=0, atol=1e-12)
    bare = game(reward=table(), rollouts=2, baseline=False)
    bare.generator.forward, bare.action_values = gan.generator.forward, lambda y: q
    wanted = gradient((q * bare.generator.log_probs(tokens)).sum(1).mean(), bare.generator)
    torch.testing.assert_close(moved(bare, tokens), wanted, rtol=0, atol=1e-12)


def test_rollouts_complete_every_prefix_as_one_by_one(double):
    """The batched pass against the loop that completes each prefix by itself, word for word."""
    policy, n = model(2), 6
    torch.manual_seed(0)
    tokens, u = ALL[torch.randint(len(ALL), (n,))], torch.rand(n, T - 1, T)
    done = seqgan.rollouts(policy, tokens, u)
    assert done.shape == (T - 1, n, T)
    for t in range(1, T):
        assert torch.equal(done[t - 1, :, :t], tokens[:, :t])  # y_t itself is part of the prefix
        assert torch.equal(done[t - 1], policy(u[:, t - 1], prefix=tokens[:, :t]))


def test_action_values_approach_the_exact_ones(double):
    gan = game(reward=table(), rollouts=4000)
    tokens = ALL[[5, 50]]
    torch.manual_seed(0)
    q = gan.action_values(tokens)
    exact = exact_q(gan.beta, table(), tokens)
    torch.testing.assert_close(q, exact, rtol=0, atol=0.03)
    assert torch.equal(q[:, -1], table()(tokens))  # the last word's value is the reward itself
    gan.rollouts = 0
    assert torch.equal(gan.action_values(tokens), table()(tokens)[:, None].expand(2, T))


def test_rewards_are_d_s_probability_and_teach_it_nothing(double):
    gan = game()
    tokens = ALL[:7]
    assert torch.allclose(gan.rewards(tokens), torch.sigmoid(gan.discriminator(tokens)))
    assert not gan.rewards(tokens).requires_grad
    gan.generator_step(tokens)
    assert all(p.grad is None for p in gan.discriminator.parameters())


def best_d(gan, truth):
    """log p - log G: the logit of the best discriminator."""
    return lambda tokens: truth.log_prob(tokens) - gan.generator.log_prob(tokens)


def test_maligan_with_the_best_d_is_maximum_likelihood(double):
    """E_G [r_D grad log G] = E_p [grad log G]: over all sequences, weighted by their probability."""
    gan, truth = game(maligan.MaliGAN), model(7)
    r = best_d(gan, truth)(ALL).exp().detach()
    p = gan.generator.log_prob(ALL).exp().detach()
    assert (p * r).sum().item() == pytest.approx(1, abs=1e-12)  # Z
    mali = gradient((p * r * gan.generator.log_prob(ALL)).sum(), gan.generator)
    mle = gradient((truth.log_prob(ALL).exp().detach() * gan.generator.log_prob(ALL)).sum(), gan.generator)
    torch.testing.assert_close(mali, mle, rtol=0, atol=1e-12)


def test_maligan_s_step_is_its_estimator(double):
    """sum_i (r_i / sum r - 1/m) grad log p, with r = D / (1 - D) and not D."""
    gan = game(maligan.MaliGAN)
    tokens = ALL[[3, 40, 77, 12]]
    gan.generator.forward = lambda u, *rest: tokens
    d = torch.sigmoid(gan.discriminator(tokens)).detach()
    r = d / (1 - d)
    weights = r / r.sum() - 1 / 4
    wanted = gradient((weights * gan.generator.log_prob(tokens)).sum(), gan.generator)
    torch.testing.assert_close(moved(gan, tokens), wanted, rtol=0, atol=1e-12)
    wrong = d / d.sum() - 1 / 4
    assert not torch.allclose(weights, wrong, atol=1e-3)


def test_maligan_s_weights_are_numbers_that_do_not_learn(double):
    """Judged by log p - log G, which depends on the generator: no gradient may pass through the weights."""
    gan, truth = game(maligan.MaliGAN), model(7)
    tokens = ALL[[3, 40, 77, 12]]
    gan.generator.forward = lambda u, *rest: tokens
    gan.judge = best_d(gan, truth)
    weights = gan.judge(tokens).detach().softmax(0) - 1 / 4
    wanted = gradient((weights * gan.generator.log_prob(tokens)).sum(), gan.generator)
    torch.testing.assert_close(moved(gan, tokens), wanted, rtol=0, atol=1e-12)


def test_the_mixed_step_is_its_estimator(double):
    """Completions after N words of the data, weighted among those of one sequence, and likelihood before N."""
    gan = game(maligan.MaliGAN, K=2, stage=1, m=3)
    gan.t, batch = 1, ALL[[10, 71]]
    assert gan.kept == 2
    drawn = torch.cat([torch.cat([y[:2].expand(3, -1), torch.randint(V, (3, 2))], dim=1) for y in batch])
    asked = []
    gan.generator.forward = lambda u, prefix: asked.append(prefix) or drawn
    d = torch.sigmoid(gan.discriminator(drawn)).detach()
    r = (d / (1 - d)).view(2, 3)
    weights = r / r.sum(1, keepdim=True) - 1 / 3
    lp = gan.generator.log_probs(drawn)[:, 2:].sum(1).view(2, 3)
    wanted = (weights * lp).sum(1).mean() + gan.generator.log_probs(batch)[:, :2].sum(1).mean()
    wanted = gradient(wanted, gan.generator)
    torch.testing.assert_close(moved(gan, batch), wanted, rtol=0, atol=1e-12)
    assert torch.equal(asked[0], drawn[:, :2])


def test_n_falls_by_k_and_stops_at_zero():
    gan = game(maligan.MaliGAN, K=3, stage=2, pretrain=5, d_pretrain=1)
    kept = []
    for gan.t in range(7, 13):
        kept.append(gan.kept)
    assert kept == [1, 1, 0, 0, 0, 0]
    assert game(maligan.MaliGAN).kept == 0


def test_d_learns_cross_entropy(double):
    gan = game()
    real, fake = ALL[:6], ALL[20:26]
    gan.generator.forward = lambda u, *rest: fake
    with torch.no_grad():  # some of the fakes pass
        list(gan.discriminator.parameters())[-1].sub_(gan.discriminator(fake).mean())
    d_real, d_fake = (torch.sigmoid(gan.discriminator(x)).detach() for x in (real, fake))
    logs = gan.discriminator_step(real)
    assert logs["d_loss"].item() == pytest.approx(-(d_real.log().mean() + (1 - d_fake).log().mean()).item(), abs=1e-12)
    assert logs["d_accuracy"].item() == pytest.approx(((d_real > 0.5).sum() + (d_fake < 0.5).sum()).item() / 12)


def test_phases_follow_each_other_and_beta_follows_theta():
    names = gl.load("unicode-names").take(40)
    gl.seed_everything(0)
    gan = gl.build("seqgan", names, width=4, pretrain=2, d_pretrain=2, rollouts=1, d_steps=1, lr=1e-3)
    batches, seen = names.batches(8), []
    for _ in range(6):
        seen.append(sorted(gan.step(batches)))
        same = all(torch.equal(a, b) for a, b in zip(gan.beta.parameters(), gan.generator.parameters()))
        assert same == (gan.t >= 4)
    assert seen[:2] == [["mle_loss"]] * 2 and seen[2:4] == [["d_accuracy", "d_loss"]] * 2
    assert seen[4:] == [["d_accuracy", "d_loss", "entropy", "g_loss", "reward"]] * 2
    assert gan.optimizers["generator"].param_groups[0]["lr"] == 1e-3  # the game's own rate


def test_a_history_has_every_phase(tmp_path):
    names = gl.load("unicode-names").take(40)
    gl.seed_everything(0)
    gan = gl.build("seqgan", names, width=4, pretrain=3, d_pretrain=3, rollouts=1, d_steps=1)
    history = gl.fit(gan, names, 8, 8, every=4)  # an interval that holds two phases
    assert history["mle_loss"][0] > 0 and math.isnan(history["mle_loss"][1]) and not math.isnan(history["g_loss"][1])


@pytest.mark.parametrize("stop", [2, 5, 9])
def test_resumed_in_every_phase(tmp_path, stop):
    names, runs = gl.load("unicode-names").take(40), []
    for steps in ((12,), (stop, 12)):
        gl.seed_everything(0)
        path = tmp_path / f"{len(steps)}.pt"
        for until in steps:
            gan = gl.build("maligan", names, width=4, pretrain=4, d_pretrain=3, d_steps=1, K=3, stage=2, m=2)
            gl.fit(gan, names, until, 8, every=2, checkpoint=path)
        runs.append(gan)
    assert all(torch.equal(a, b) for a, b in zip(runs[0].state_dict().values(), runs[1].state_dict().values()))


def test_scheduled_sampling_strews_in_own_words(double):
    m = model()
    u, own = torch.rand(9, T), torch.zeros(9, T, dtype=torch.bool)
    assert torch.equal(m.strewn(ALL[:9], own, u), ALL[:9])
    assert torch.equal(m.strewn(ALL[:9], ~own, u), m(u))  # nothing but its own words: a sample
    own[:, 1] = True
    mixed = m.strewn(ALL[:9], own, u)
    assert torch.equal(mixed[:, [0, 2, 3]], ALL[:9, [0, 2, 3]])
    assert torch.equal(mixed[:, 1], m.draw(m.read(ALL[:9, 0], m.begin(9))[0], u[:, 1]))


def test_the_oracle_is_lstm_with_standard_normal_weights():
    a, b = Oracle(50, 6, 32, seed=4), Oracle(50, 6, 32, seed=4)
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters()))
    weights = torch.cat([p.flatten() for p in a.parameters()])
    assert abs(weights.mean().item()) < 0.05 and weights.std().item() == pytest.approx(1, abs=0.03)
    data = a.sequences(1500, seed=1)
    assert data.shape == (6,) and torch.equal(data.x, a.sequences(1500, seed=1).x)
    assert not torch.equal(data.x, a.sequences(1500, seed=2).x)


def test_oracle_score_by_enumeration(double):
    """A sample in which every sequence occurs as often as it is probable."""
    g, p = model(1), model(2)
    counts = (g.log_prob(ALL).exp() * 200_000).round().long()
    test_counts = (p.log_prob(ALL).exp() * 200_000).round().long()
    score = oracle_nll(ALL.repeat_interleave(counts, 0), g, p, ALL.repeat_interleave(test_counts, 0))
    g_all, p_all = g.log_prob(ALL).detach(), p.log_prob(ALL).detach()
    assert score.nll == pytest.approx(-(g_all.exp() * p_all).sum().item() / T, abs=1e-3)
    assert score.entropy == pytest.approx(-(g_all.exp() * g_all).sum().item() / T, abs=1e-3)
    assert score.kl_g_p == pytest.approx((g_all.exp() * (g_all - p_all)).sum().item() / T, abs=1e-3)
    assert score.kl_p_g == pytest.approx((p_all.exp() * (p_all - g_all)).sum().item() / T, abs=1e-3)
    assert perplexity(g, ALL[:5]) == pytest.approx(math.exp(-g_all[:5].sum().item() / (5 * T)))
    with pytest.raises(ValueError, match=r"samples has shape \(3, 2\); it must be \(n, 4\)"):
        oracle_nll(ALL[:3, :2], g, p, ALL)


def test_bleu_by_hand():
    references = ["the cat is on the mat".split(), "there is a cat on the mat".split()]
    assert ngrams("a b a b".split(), 2) == {("a", "b"): 2, ("b", "a"): 1}
    # Papineni's example: "the" seven times has a clipped precision of 2/7
    assert bleu(["the the the the the the the".split()], references, n=1) == pytest.approx(2 / 7)
    # 5 of 6 words; bigrams "the cat", "on the", "the mat" of 5: sqrt(5/6 * 3/5); 6 words long, as the first reference
    sample = "the cat sat on the mat".split()
    assert bleu([sample], references) == pytest.approx(math.sqrt(5 / 6 * 3 / 5))
    # two words against six: the penalty is exp(1 - 6/2)
    assert bleu(["the cat".split()], references) == pytest.approx(math.exp(-2))
    # no bigram is shared: 0.1 of one takes its place
    assert bleu(["cat the".split()], ["the cat".split()]) == pytest.approx(math.sqrt(1 * 0.1))
    assert bleu(["dog".split()], references) == 0
    assert bleu(references, references, n=4) == 1
    assert bleu([sample, references[0]], references) == pytest.approx((math.sqrt(1 / 2) + 1) / 2)


def test_bleu_agrees_with_nltk():
    nltk = pytest.importorskip("nltk.translate.bleu_score")
    names = gl.load("unicode-names")
    lines = [text.split() for text in names.text(names.x[:400])]
    references, samples = lines[:200], [*lines[200:300], *[line[::-1] for line in lines[300:400]]]
    method1 = nltk.SmoothingFunction().method1
    for n in (2, 3):
        theirs = [
            nltk.sentence_bleu(references, s, [1 / n] * n, smoothing_function=method1) for s in samples if len(s) >= n
        ]
        ours = [bleu([s], references, n) for s in samples if len(s) >= n]
        assert ours == pytest.approx(theirs, abs=1e-9)


def test_self_bleu_and_copies():
    same = [["a", "b", "c"]] * 3
    apart = [["a", "b", "c"], ["d", "e", "f"], ["g", "h", "i"]]
    assert self_bleu(same) == 1 and self_bleu(apart) == 0  # the sample itself is no reference
    assert copied([["a", "b"], ["b", "a"]], [["a", "b"], ["c"]]) == 0.5


def test_unicode_names():
    train, test = (gl.load("unicode-names", split=split) for split in ("train", "test"))
    assert train.shape == (8,) and len(train.vocabulary) == 301 and train.vocabulary[0] == ""
    texts = set(train.text(train.x))
    assert {"GREEK SMALL LETTER ALPHA", "LATIN CAPITAL LETTER A"} & (texts | set(test.text(test.x)))
    assert len(texts) == len(train) and not texts & set(test.text(test.x))
    assert len(train) + len(test) > 4000 and len(test) == pytest.approx(len(train) / 9, abs=1)


def test_lines_of_a_file(tmp_path):
    (tmp_path / "poem.txt").write_text("a rose is a rose\n\nis a rose\na rare word here\nis a rose\n", encoding="utf-8")
    data = gl.load(tmp_path / "poem.txt")
    assert data.text(data.x) == ["a rose is a rose", "is a rose", "a rare word here"] and data.name == "poem.txt"
    lines = [["x", "y"], ["y", "x"], ["x", "z"], ["x", "y"]]
    assert of_lines(lines, 2, 2, "two words", None).text(of_lines(lines, 2, 2, "w", None).x) == ["x y", "y x"]
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="bytes.txt is no text in UTF-8"):
        gl.load(tmp_path / "bytes.txt")
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(ValueError, match="empty.txt has no line of 1 to 16"):
        gl.load(tmp_path / "empty.txt")


def test_discrete_digits_are_rows_of_pixels():
    data, digits = gl.load("discrete-digits"), gl.load("mnist5k")
    assert data.shape == (8,) and len(data) == len(digits) and data.vocabulary[24] == "00011000"
    mean = digits.x[7, 0].float().view(8, 4, 8, 4).mean(dim=(1, 3))
    wanted = ["".join("1" if value > 80 else "0" for value in row) for row in mean.tolist()]
    assert data.text(data.x[7:8]) == [" ".join(wanted)]


def test_bad_input():
    names = gl.load("unicode-names").take(20)
    for call, sentence in (
        (lambda: gl.build("seqgan", (8,)), "data is tuple; it must be Sequences, with a vocabulary"),
        (lambda: gl.build("seqgan", names, rollouts=-1), "rollouts is -1; it must not be negative"),
        (lambda: gl.build("seqgan", names, g_steps=0), "g_steps is 0; it must be at least 1"),
        (lambda: gl.build("maligan", names, m=1), "m is 1; it must be at least 2"),
        (
            lambda: gl.fit(gl.build("seqgan", names), gl.load("mnist5k").take(20), 1, 4),
            "must be sequences of a vocabul",
        ),
        (lambda: gl.build("seqgan", names).sample(0), "n is 0; it must be at least 1"),
        (lambda: bleu([], [["a"]]), "samples is empty"),
        (lambda: bleu([["a"]], []), "references is empty"),
        (lambda: bleu([["a"]], [["a"]], n=0), "n is 0; it must be at least 1"),
        (lambda: self_bleu([["a"]]), "samples holds 1 sequences; it must have at least two"),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()
