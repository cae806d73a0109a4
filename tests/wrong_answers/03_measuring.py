# What students hand in for assignment 03. Each cell takes the place of the solution cell that it names.


# %% frechet: the root of each number of AB
def frechet_distance(a, A, b, B):
    return ((a - b).square().sum() + A.trace() + B.trace() - 2 * (A @ B).clamp_min(0).sqrt().trace()).item()


# %% frechet: tr(A^(1/2) B^(1/2))
def frechet_distance(a, A, b, B):
    def root(M):
        values, vectors = torch.linalg.eigh(M)
        return vectors * values.clamp_min(0).sqrt() @ vectors.T

    return ((a - b).square().sum() + A.trace() + B.trace() - 2 * (root(A) @ root(B)).trace()).item()


# %% frechet: the means' distance is not squared
def frechet_distance(a, A, b, B):
    roots = torch.linalg.eigvals(A @ B).real.clamp_min(0).sqrt().sum()
    return ((a - b).norm() + A.trace() + B.trace() - 2 * roots).item()


# %% frechet: the last term only once
def frechet_distance(a, A, b, B):
    roots = torch.linalg.eigvals(A @ B).real.clamp_min(0).sqrt().sum()
    return ((a - b).square().sum() + A.trace() + B.trace() - roots).item()


# %% frechet: NaN where an eigenvalue is slightly negative
def frechet_distance(a, A, b, B):
    roots = torch.linalg.eigvals(A @ B).real.sqrt().sum()
    return ((a - b).square().sum() + A.trace() + B.trace() - 2 * roots).item()


# %% frechet: a Cholesky factor, which a singular covariance does not have
def frechet_distance(a, A, b, B):
    L = torch.linalg.cholesky(A)
    roots = torch.linalg.eigvalsh(L.T @ B @ L).clamp_min(0).sqrt().sum()
    return ((a - b).square().sum() + A.trace() + B.trace() - 2 * roots).item()


# %% merge: the scatter within the parts alone
def merge(one, two):
    (m, a, A), (n, b, B) = one, two
    return m + n, (m * a + n * b) / (m + n), ((m - 1) * A + (n - 1) * B) / (m + n - 1)


# %% merge: the mean of the means
def merge(one, two):
    (m, a, A), (n, b, B) = one, two
    between = torch.outer(b - a, b - a) * m * n / (m + n)
    return m + n, (a + b) / 2, ((m - 1) * A + (n - 1) * B + between) / (m + n - 1)


# %% merge: divided by n
def merge(one, two):
    (m, a, A), (n, b, B) = one, two
    between = torch.outer(b - a, b - a) * m * n / (m + n)
    return m + n, (m * a + n * b) / (m + n), ((m - 1) * A + (n - 1) * B + between) / (m + n)


# %% merge: covariances taken as if they were divided by n
def merge(one, two):
    (m, a, A), (n, b, B) = one, two
    between = torch.outer(b - a, b - a) * m * n / (m + n)
    return m + n, (m * a + n * b) / (m + n), (m * A + n * B + between) / (m + n - 1)


# %% merge: squares about 0, which cancel far from 0
def merge(one, two):
    (m, a, A), (n, b, B) = one, two
    mean = (m * a + n * b) / (m + n)
    squares = (m - 1) * A + m * torch.outer(a, a) + (n - 1) * B + n * torch.outer(b, b)
    return m + n, mean, (squares - (m + n) * torch.outer(mean, mean)) / (m + n - 1)


# %% merge: the difference of the means squared by element, not as an outer product
def merge(one, two):
    (m, a, A), (n, b, B) = one, two
    between = (b - a).square() * m * n / (m + n)
    return m + n, (m * a + n * b) / (m + n), ((m - 1) * A + (n - 1) * B + between) / (m + n - 1)


# %% kid: biased, each row with itself
def kid(x, y):
    k = lambda a, b: (a @ b.T / a.shape[1] + 1) ** 3
    return (k(x, x).mean() + k(y, y).mean() - 2 * k(x, y).mean()).item()


# %% kid: the diagonal left out, and divided by n^2 all the same
def kid(x, y):
    k = lambda a, b: (a @ b.T / a.shape[1] + 1) ** 3
    within = lambda a: (k(a, a).sum() - k(a, a).trace()) / len(a) ** 2
    return (within(x) + within(y) - 2 * k(x, y).mean()).item()


# %% kid: not divided by d
def kid(x, y):
    k = lambda a, b: (a @ b.T + 1) ** 3
    within = lambda a: (k(a, a).sum() - k(a, a).trace()) / (len(a) * (len(a) - 1))
    return (within(x) + within(y) - 2 * k(x, y).mean()).item()


# %% kid: the term across only once
def kid(x, y):
    k = lambda a, b: (a @ b.T / a.shape[1] + 1) ** 3
    within = lambda a: (k(a, a).sum() - k(a, a).trace()) / (len(a) * (len(a) - 1))
    return (within(x) + within(y) - k(x, y).mean()).item()


# %% kid: the pairs across without i = j too, and only as many
def kid(x, y):
    n = min(len(x), len(y))
    x, y = x[:n], y[:n]
    k = lambda a, b: (a @ b.T / a.shape[1] + 1) ** 3
    mean = lambda K: (K.sum() - K.trace()) / (n * (n - 1))
    return (mean(k(x, x)) + mean(k(y, y)) - 2 * mean(k(x, y))).item()


# %% kid: never negative
def kid(x, y):
    k = lambda a, b: (a @ b.T / a.shape[1] + 1) ** 3
    within = lambda a: (k(a, a).sum() - k(a, a).trace()) / (len(a) * (len(a) - 1))
    return max(0.0, (within(x) + within(y) - 2 * k(x, y).mean()).item())


# %% frechet: a ridge on the arguments
def frechet_distance(a, A, b, B):
    A += 1e-9 * torch.eye(len(a))
    B += 1e-9 * torch.eye(len(b))
    values, vectors = torch.linalg.eigh(A)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    trace = torch.linalg.eigvalsh(root @ B @ root).clamp_min(0).sqrt().sum()
    return ((a - b).square().sum() + A.trace() + B.trace() - 2 * trace).item()


# %% merge: in the place of the parts
def merge(one, two):
    (m, a, A), (n, b, B) = one, two
    delta = b - a
    A *= m - 1
    B *= n - 1
    scatter = A + B + torch.outer(delta, delta) * m * n / (m + n)
    return m + n, a + delta * n / (m + n), scatter / (m + n - 1)


# %% merge: the first mean moved in its place
def merge(one, two):
    (m, a, A), (n, b, B) = one, two
    delta = b - a
    scatter = (m - 1) * A + (n - 1) * B + torch.outer(delta, delta) * m * n / (m + n)
    a += delta * n / (m + n)
    return m + n, a, scatter / (m + n - 1)
