import type { Cause } from './cause.js';

/** Of giving files away, and of becoming somebody: in a user namespace, only what its ids allow. */
export const ID_COMPLAINT: Cause['pattern'] =
  /(?:setgroups|seteuid|setegid|setresuid|setuid|setgid)\b.*(?:failed|not permitted|Invalid argument)|chown(?:ing)?\b.*(?:Invalid argument|Operation not permitted)|(?:Cannot|can't) change ownership|changing ownership of .*(?:Invalid argument|Operation not permitted)/i;
