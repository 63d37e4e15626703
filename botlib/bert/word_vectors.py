"""Word vectors from counts: a scratch encoder starts with them and needs minutes of training.

A Transformer from random weights needs very many pairs before it sees that two different words
are of one topic. Which words keep company says it at once.
"""

from collections.abc import Sequence

import numpy as np

# Words that met less often tell nothing
LEAST_MEETINGS = 3
# More documents change the vectors little
MOST_DOCUMENTS = 20_000


def from_cooccurrence(
    documents: Sequence[Sequence[int]], vocabulary: int, width: int, seed: int
) -> np.ndarray:
    """Returns word vectors whose products follow how often two words occur together, beyond chance.

    The singular value decomposition of positive pointwise mutual information, which word2vec
    approximates (Levy and Goldberg 2014).

    Args:
      documents: WordPiece ids of each document; a pair is one document.
      vocabulary: number of WordPieces.
      width: of the vectors.
      seed: of the decomposition.

    Returns:
      float32 of shape (vocabulary, width), rows of length 1, or 0 for pieces never seen.
    """
    from scipy import sparse
    from sklearn.utils.extmath import randomized_svd

    documents = [np.unique(document) for document in documents[:MOST_DOCUMENTS]]
    columns = np.concatenate([np.zeros(0, np.int64), *documents]).astype(np.int64)
    rows = np.repeat(np.arange(len(documents)), [len(document) for document in documents])
    shape = (len(documents), vocabulary)
    presence = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape)
    counts = np.asarray(presence.sum(axis=0)).ravel()
    meetings = (presence.T @ presence).tocoo()
    frequent = meetings.data >= LEAST_MEETINGS
    left, right = meetings.row[frequent], meetings.col[frequent]
    information = np.log(meetings.data[frequent] * len(documents) / (counts[left] * counts[right]))
    positive = information > 0
    matrix = sparse.csr_matrix(
        (information[positive], (left[positive], right[positive])), (vocabulary, vocabulary)
    )
    rank = min(width, vocabulary - 1)
    left, values, _ = randomized_svd(matrix, rank, random_state=seed)
    vectors = np.zeros((vocabulary, width), np.float32)
    vectors[:, :rank] = left * np.sqrt(values)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-8)
