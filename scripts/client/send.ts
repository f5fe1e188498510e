import { readAnswerBody } from "./answer-body.ts";
import { fetchDirect } from "./fetch-direct.ts";
import { describeNoAnswer, NoAnswer } from "./no-answer.ts";

export interface SignedRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly statusText: string;
  /** Header names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const answerMs = 10_000;

/** @throws {NoAnswer} */
export async function send({ url, headers, body }: SignedRequest): Promise<Answer> {
  try {
    const response = await fetchDirect(url, {
      method: "POST",
      headers,
      body,
      // OwnID does not follow redirects either, so the redirect itself is shown.
      redirect: "manual",
      signal: AbortSignal.timeout(answerMs),
    });
    const { status, statusText } = response;
    return {
      status,
      statusText,
      headers: Object.fromEntries(response.headers),
      body: await readAnswerBody(response),
    };
  } catch (error) {
    throw new NoAnswer(describeNoAnswer(error, url, { limitMs: answerMs, argument: "--url" }));
  }
}
