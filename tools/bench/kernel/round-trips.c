/* One octet there and back, again and again, over one TCP connection or in UDP datagrams. */
#include "kernel-peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

enum { MOST_SAMPLES = 2000000 };

static int ascending(const void *left, const void *right) {
  float difference = *(const float *)left - *(const float *)right;
  return (difference > 0) - (difference < 0);
}

/* Sends one octet and waits for the same. Returns 0 when a datagram was lost. */
static int round_trip(int fd, unsigned char octet, int is_udp) {
  unsigned char answer;
  if (send(fd, &octet, 1, 0) != 1) fail("send");
  do {
    if (recv(fd, &answer, 1, 0) != 1) {
      if (is_udp && (errno == EAGAIN || errno == EWOULDBLOCK)) return 0;
      fail("no echo");
    }
  } while (is_udp && answer != octet); /* that of a datagram given up */
  return 1;
}

void measure_round_trips(const struct options *options, int type) {
  int is_udp = type == SOCK_DGRAM;
  int fd = connected(options, type);
  if (is_udp) {
    struct timeval patience = {.tv_usec = 200000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  float *micros = malloc(sizeof(float) * MOST_SAMPLES);
  if (micros == NULL) fail("memory");
  unsigned char octet = 0;
  int lost = 0, samples = 0;
  for (double end = seconds_now() + options->warm; seconds_now() < end;) round_trip(fd, octet++, is_udp);
  struct usage before = usage_now(options);
  for (double end = before.at + options->seconds; samples < MOST_SAMPLES;) {
    double sent = seconds_now();
    if (sent >= end) break;
    if (round_trip(fd, octet++, is_udp)) micros[samples++] = (seconds_now() - sent) * 1e6;
    else lost++;
  }
  struct usage after = usage_now(options);
  if (samples == 0) fail("nothing came back");
  qsort(micros, samples, sizeof *micros, ascending);
  printf("{\"samples\":%d,\"lost\":%d,\"p50\":%.2f,\"p99\":%.2f,", samples, lost, micros[samples / 2],
         micros[(int)(samples * 0.99)]);
  print_usage(&before, &after);
  printf("}\n");
  reset(fd);
}
