/*
 * One connection at full speed, one way. What counts is text that has arrived: acknowledged (TCP_INFO) when the kernel
 * sends, read when it receives; what still lies in a queue does not.
 */
#include "kernel-peer.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static char text[256 * 1024];

static struct tcp_info info_of(int fd) {
  struct tcp_info info = {0};
  socklen_t length = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) fail("TCP_INFO");
  return info;
}

static uint64_t arrived(int fd, int is_sending, uint64_t received) {
  return is_sending ? info_of(fd).tcpi_bytes_acked : received;
}

static void measure_bulk(const struct options *options, int is_sending) {
  int fd = connected(options, SOCK_STREAM);
  memset(text, 'x', sizeof text); /* pages of its own, not the shared one of zeros */
  struct usage before = {0};
  uint64_t received = 0, first = 0;
  double start = seconds_now() + options->warm, end = start + options->seconds;
  int is_counting = 0;
  for (double now = seconds_now(); now < end; now = seconds_now()) {
    if (!is_counting && now >= start) {
      is_counting = 1;
      before = usage_now(options);
      first = arrived(fd, is_sending, received);
      end = before.at + options->seconds;
    }
    ssize_t octets = is_sending ? send(fd, text, sizeof text, 0) : recv(fd, text, sizeof text, 0);
    if (octets <= 0) fail("the connection broke");
    received += octets;
  }
  if (!is_counting) fail("the connection stood still");
  struct usage after = usage_now(options);
  uint64_t octets = arrived(fd, is_sending, received) - first;
  struct tcp_info info = info_of(fd);
  printf("{\"octets\":%llu,\"retransmitted\":%u,", (unsigned long long)octets, info.tcpi_total_retrans);
  print_usage(&before, &after);
  printf("}\n");
  reset(fd);
}

void measure_send(const struct options *options) { measure_bulk(options, 1); }

void measure_recv(const struct options *options) { measure_bulk(options, 0); }
