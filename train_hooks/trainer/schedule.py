"""Learning rates by step: warm-up, then a cosine to a floor, warm-up-stable-decay, or a constant."""

from math import ceil, cos, pi

from mathmill.train_hooks.trainer.config import ScheduleConfig


def warm_up_steps(config: ScheduleConfig, steps: int) -> int:
    """Steps of the warm-up: as given, or a share of all where the number is below 1."""
    return min(ceil(config.warm_up * steps) if config.warm_up < 1 else int(config.warm_up), steps)


def learning_rate(config: ScheduleConfig, lr: float, step: int, steps: int) -> float:
    """The rate of step 0 ≤ step < steps. The last step of the warm-up has the peak, the last step of all the floor."""
    warm_up = warm_up_steps(config, steps)
    if step < warm_up:
        return lr * (step + 1) / warm_up
    if config.shape == "constant":
        return lr
    start = warm_up if config.shape == "cosine" else max(warm_up, steps - ceil(config.decay * steps))
    if step < start:
        return lr
    progress = (step + 1 - start) / (steps - start)
    falling = 0.5 * (1 + cos(pi * progress)) if config.shape == "cosine" else 1 - progress
    return lr * (config.floor + (1 - config.floor) * falling)
