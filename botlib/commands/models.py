"""`export` and `import`: share trained models, or start from them: a file, a URL, the Hub."""

import argparse
from pathlib import Path
from typing import Any

from botlib import model_files, options
from botlib.manifests import hash_path
from botlib.workspace import Workspace


def add_parsers(subparsers: Any) -> None:
    """Adds the subcommands to the command line."""
    export = subparsers.add_parser(
        "export",
        help="hand on a trained model: as a file, to a URL, to the Hugging Face Hub",
        description="Packs the files that inference needs, with the model card and hashes. A URL "
        "gets them by PUT. On the Hub each model is a folder of the repository, which is made if "
        "it isn't there: with HF_TOKEN, or the login of the Hub's own command line.",
    )
    export.add_argument("kind", choices=tuple(model_files.KINDS), help="which model")
    export.add_argument("file", metavar="FILE|URL|hf:OWNER/NAME[@BRANCH]", help="where it goes")
    export.add_argument("--public", action="store_true", help="a new repository is for all to see")
    export.add_argument("--licence", default="", help="of the models (default: the base model's)")
    _add_common_options(export, makes=False)
    export.set_defaults(func=run_export)

    import_parser = subparsers.add_parser(
        "import",
        help="take over trained models: from a file, a URL, the Hugging Face Hub",
        description="Checks names, sizes and hashes, then unpacks. Run 05_generate next. A URL "
        "may end in #sha256=HEX: then the whole file must have that hash.",
    )
    import_parser.add_argument(
        "file", metavar="FILE|URL|hf:OWNER/NAME[@REVISION]", help="where it is"
    )
    import_parser.add_argument(
        "--kind", default="", choices=tuple(model_files.KINDS), help="only this one of the Hub's"
    )
    import_parser.add_argument("--replace", action="store_true", help="replace an existing model")
    _add_common_options(import_parser, makes=True)
    import_parser.set_defaults(func=run_import)


def run_export(args: argparse.Namespace) -> int:
    """Writes a model as a bundle to a file, a URL or the Hub."""
    from botlib.gpt2.hub_client import PREFIX, Repository
    from botlib.runs import bundles, bundles_hub, bundles_url

    workspace = Workspace.open(args.workspace)
    if args.file.startswith(PREFIX):
        repository = Repository.of(args.file, "export")
        print(
            bundles_hub.write(
                args.kind, workspace, repository, args.run_name, args.public, args.licence
            )
        )
    elif bundles_url.is_url(args.file):
        print(bundles_url.write(args.kind, workspace, args.file, args.run_name))
    else:
        path = bundles.write(args.kind, workspace, Path(args.file), args.run_name)
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, SHA-256 {hash_path(path)}")
    return 0


def run_import(args: argparse.Namespace) -> int:
    """Unpacks models from a file, a URL or the Hub into the workspace."""
    from botlib.gpt2.hub_client import PREFIX, Repository
    from botlib.runs import bundles, bundles_hub, bundles_url

    workspace = Workspace.open(args.workspace, create=True)
    bundle_options = {"run_name": args.run_name, "replace": args.replace}
    if args.file.startswith(PREFIX):
        repository = Repository.of(args.file, "import")
        for folder in bundles_hub.read(repository, workspace, kind=args.kind, **bundle_options):
            print(folder)
    elif bundles_url.is_url(args.file):
        print(bundles_url.read(args.file, workspace, **bundle_options))
    else:
        print(bundles.read(Path(args.file), workspace, **bundle_options))
    return 0


def _add_common_options(parser: argparse.ArgumentParser, makes: bool) -> None:
    options.add_workspace(parser, makes=makes)
    parser.add_argument("--run-name", default="run1", help="which GPT-2 run (default: run1)")
