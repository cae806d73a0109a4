# Right answers to assignment 05 in other forms than the reference's; each must keep its points.


# %% mixes: the own sample's gradient is set to 0
def mixes_samples(critic, x):
    x = x.detach().requires_grad_()
    answers = critic(x)
    for i in range(len(x)):
        g = torch.autograd.grad(answers[i], x, retain_graph=True)[0]
        g[i] = 0
        if (g.abs() > 1e-12).any():
            return True
    return False
