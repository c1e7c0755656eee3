/** Packets that a host rarely meets, from a neighbour: what the kernel makes of them is compared with what we do. */
import type { KernelQuestion } from './question-parts.ts';
import { questionsOfBoth } from './questions-both.ts';
import { questionsOfV4 } from './questions-v4.ts';
import { questionsOfV6 } from './questions-v6.ts';

/** Each has a title of its own. */
export const kernelQuestions: readonly KernelQuestion[] = [
  ...questionsOfBoth(4),
  ...questionsOfV4(),
  ...questionsOfBoth(6),
  ...questionsOfV6(),
];
