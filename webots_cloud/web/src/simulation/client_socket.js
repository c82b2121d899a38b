// The `/client` socket of a simulation server: the simulation runs for as long as it is open (docs/protocol.md section 2).

/**
 * What a message from the simulation server says.
 *
 * @param {string} text one text frame.
 * @returns {{kind: string, text: string}} kind is one of `webots`, `windows`, `alive`, `queue`, `reset controller`, `error`,
 *   `loading`, `shutdownTimeout`, `ide`, or `unknown`; text is what follows the kind.
 */
export function readClientMessage(text) {
  if (text === ".") {
    return { kind: "alive", text: "" };
  }
  const match = /^(webots|windows|queue|reset controller|error|loading|shutdownTimeout|ide):\s*([\s\S]*)$/.exec(text);
  return match ? { kind: match[1], text: match[2].trim() } : { kind: "unknown", text };
}

/**
 * Whether a text may be used as the address of Webots' stream.
 *
 * @param {string} url what followed `webots:`.
 */
export function isStreamUrl(url) {
  return /^wss?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/.test(url);
}

/**
 * Open the socket, send `init` and pass on what comes.
 *
 * @param {string} server URL of the simulation server, without a slash at its end.
 * @param {string} init the first message.
 * @param {{opened: () => void, message: (message: {kind: string, text: string}) => void,
 *   closed: (opened: boolean) => void}} listener `opened` is called when `init` has been sent, `closed` once, also where
 *   the connection was never made.
 * @returns {{close: () => void, send: (text: string) => void}} `close` keeps the listener from hearing any more.
 */
export function openClientSocket(server, init, listener, connect = (url) => new WebSocket(url)) {
  const socket = connect(`${server}/client`);
  let opened = false;
  socket.onopen = () => {
    opened = true;
    socket.send(init);
    listener.opened();
  };
  socket.onmessage = ({ data }) => typeof data === "string" && listener.message(readClientMessage(data));
  socket.onclose = () => listener.closed(opened);
  return {
    send: (text) => socket.send(text),
    close() {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    },
  };
}
