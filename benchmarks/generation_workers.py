"""One engine in a process of its own: loads, then generates whenever it is told to.

Only the standard library at the top: the peers' own environments have nothing of botlib.
Each function returns (tokens made in a run, a function that makes them).
"""

import json
from collections.abc import Callable
from pathlib import Path

from benchmarks.worker import serve

Work = tuple[int, Callable[[], None]]


def ours(job: dict) -> Work:
    """CTranslate2 through botlib's generator."""
    from botlib.gpt2.generator import Decoder, Generator

    generator = Generator(job["model"], compute_type=job["compute_type"], device=job["device"])
    decoder = Decoder(temperature=0.7, top_k=40, min_tokens=job["tokens"], max_tokens=job["tokens"])

    def run() -> None:
        made = generator.generate(job["comments"], job["replies"], decoder, seed=None)
        assert len(made) == len(job["comments"]) * job["replies"]

    return len(job["comments"]) * job["replies"] * job["tokens"], run


def gpt_2_simple_loaded(job: dict) -> Work:
    """gpt-2-simple's sampler: graph built once, model loaded once, no more tokens than asked."""
    import gpt_2_simple
    import tensorflow as tf
    from gpt_2_simple.src import encoder, model, sample

    folder = Path(job["checkpoint"])
    session = gpt_2_simple.start_tf_sess()
    gpt_2_simple.load_gpt2(session, model_name=folder.name, model_dir=str(folder.parent))
    sizes = model.default_hparams()
    sizes.override_from_dict(json.loads((folder / "hparams.json").read_text()))
    context = tf.compat.v1.placeholder(tf.int32, [job["replies"], None])
    with tf.compat.v1.variable_scope("", reuse=True):
        output = sample.sample_sequence(
            hparams=sizes,
            length=job["tokens"],
            context=context,
            batch_size=job["replies"],
            temperature=0.7,
            top_k=40,
        )
    text = encoder.get_encoder(str(folder))
    # Comment by comment, since its sampler takes prompts of one length only
    prompts = [text.encode(comment + " [SEP]") for comment in job["comments"]]

    def run() -> None:
        for prompt in prompts:
            made = session.run(output, {context: [prompt] * job["replies"]})
            for row in made:
                text.decode(row[len(prompt) :])

    return len(prompts) * job["replies"] * job["tokens"], run


def gpt_2_simple_tutorial(job: dict) -> Work:
    """gpt-2-simple as the tutorial calls it: the model loaded for each comment, 1023 tokens."""
    import gpt_2_simple
    import tensorflow as tf

    folder = Path(job["checkpoint"])

    def run() -> None:
        for comment in job["comments"]:
            tf.compat.v1.reset_default_graph()
            session = gpt_2_simple.start_tf_sess()
            gpt_2_simple.load_gpt2(session, model_name=folder.name, model_dir=str(folder.parent))
            gpt_2_simple.generate(
                session,
                model_name=folder.name,
                model_dir=str(folder.parent),
                prefix=comment + " [SEP]",
                nsamples=job["replies"],
                batch_size=job["replies"],
                temperature=0.7,
                top_k=40,
                return_as_list=True,
            )
            session.close()

    return len(job["comments"]) * job["replies"], run


def transformers_generate(job: dict) -> Work:
    """Hugging Face's generate, left-padded batches of many comments, ten sequences each."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.set_num_threads(job["threads"])
    torch.manual_seed(0)
    sizes = json.loads((Path(job["checkpoint"]) / "hparams.json").read_text())
    end = sizes["n_vocab"] - 1
    config = GPT2Config(
        vocab_size=sizes["n_vocab"],
        n_embd=sizes["n_embd"],
        n_layer=sizes["n_layer"],
        n_head=sizes["n_head"],
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
    )
    device = "cuda" if job["device"] == "cuda" else "cpu"
    model = GPT2LMHeadModel(config).eval().to(device, getattr(torch, job["dtype"]))
    prompts = sorted(job["prompts"], key=len)
    size = job["batch"]
    batches = [prompts[i : i + size] for i in range(0, len(prompts), size)]

    def run() -> None:
        for batch in batches:
            longest = max(map(len, batch))
            ids = torch.tensor([[end] * (longest - len(p)) + p for p in batch], device=device)
            mask = torch.tensor(
                [[0] * (longest - len(p)) + [1] * len(p) for p in batch], device=device
            )
            with torch.inference_mode():
                model.generate(
                    ids,
                    attention_mask=mask,
                    do_sample=True,
                    temperature=0.7,
                    top_k=40,
                    num_return_sequences=job["replies"],
                    min_new_tokens=job["tokens"],
                    max_new_tokens=job["tokens"],
                )

    return len(prompts) * job["replies"] * job["tokens"], run


ENGINES = {
    engine.__name__: engine
    for engine in (ours, gpt_2_simple_loaded, gpt_2_simple_tutorial, transformers_generate)
}


if __name__ == "__main__":
    serve(lambda job: ENGINES[job["engine"]](job))
