/** struct tcp_info of linux/tcp.h as names and numbers. */

/** From octet 8 on, in order, with their sizes in octets. */
const fields: readonly (readonly [size: 2 | 4 | 8, ...names: string[]])[] = [
  [4, 'rto', 'ato', 'snd_mss', 'rcv_mss', 'unacked', 'sacked', 'lost', 'retrans', 'fackets'],
  [4, 'last_data_sent', 'last_ack_sent', 'last_data_recv', 'last_ack_recv', 'pmtu', 'rcv_ssthresh', 'rtt', 'rttvar'],
  [4, 'snd_ssthresh', 'snd_cwnd', 'advmss', 'reordering', 'rcv_rtt', 'rcv_space', 'total_retrans'],
  [8, 'pacing_rate', 'max_pacing_rate', 'bytes_acked', 'bytes_received'],
  [4, 'segs_out', 'segs_in', 'notsent_bytes', 'min_rtt', 'data_segs_in', 'data_segs_out'],
  [8, 'delivery_rate', 'busy_time', 'rwnd_limited', 'sndbuf_limited'],
  [4, 'delivered', 'delivered_ce'],
  [8, 'bytes_sent', 'bytes_retrans'],
  [4, 'dsack_dups', 'reord_seen', 'rcv_ooopack', 'snd_wnd', 'rcv_wnd', 'rehash'],
  [2, 'total_rto', 'total_rto_recoveries'],
  [4, 'total_rto_time'],
];

/** More than any kernel fills in. */
export const tcpInfoSize = 512;

/** The fields that fit into `bytes`, which a kernel has filled in. */
export function readTcpInfo(bytes: Uint8Array): ReadonlyMap<string, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const info = new Map<string, number>();
  ['state', 'ca_state', 'retransmits', 'probes', 'backoff', 'options'].forEach((name, at) => {
    info.set(`tcpi_${name}`, view.getUint8(at));
  });
  info.set('tcpi_snd_wscale', view.getUint8(6) & 15);
  info.set('tcpi_rcv_wscale', view.getUint8(6) >> 4);
  info.set('tcpi_delivery_rate_app_limited', view.getUint8(7) & 1);
  info.set('tcpi_fastopen_client_fail', (view.getUint8(7) >> 1) & 3);
  let at = 8;
  for (const [size, ...names] of fields) {
    for (const name of names) {
      if (at + size > bytes.length) return info;
      const value =
        size === 8
          ? Number(view.getBigUint64(at, true))
          : size === 4
            ? view.getUint32(at, true)
            : view.getUint16(at, true);
      info.set(`tcpi_${name}`, value);
      at += size;
    }
  }
  return info;
}
