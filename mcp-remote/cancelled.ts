/** Which request a host calls off. https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/cancellation */
import { CancelledNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

/** The id of the request called off; undefined where the message says nothing of the kind. */
export function cancelledRequest(message: unknown): string | number | undefined {
  const parsed = CancelledNotificationSchema.safeParse(message);
  return parsed.success ? parsed.data.params.requestId : undefined;
}
