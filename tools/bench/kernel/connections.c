/*
 * Whole connections: connect, an octet sent and echoed, shutdown, the peer's FIN, close; and connections that stay.
 */
#define _GNU_SOURCE
#include "kernel-peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* A place for one connection at a time. */
struct slot {
  int fd;
  enum { CONNECTING, WAITING_FOR_ECHO, WAITING_FOR_FIN } phase;
};

static void start(struct slot *slot, int epoll, const struct endpoint *endpoint, const struct options *options) {
  slot->fd = open_socket(endpoint, SOCK_STREAM | SOCK_NONBLOCK, options);
  slot->phase = CONNECTING;
  if (connect(slot->fd, (const struct sockaddr *)&endpoint->address, endpoint->length) < 0 && errno != EINPROGRESS)
    fail("connect");
  /* Edge-triggered: one registration serves all phases. */
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = slot};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, slot->fd, &event) < 0) fail("epoll_ctl");
}

/* Goes on as far as goes without waiting. Returns 1 when the connection has come to its end, -1 when it broke. */
static int step(struct slot *slot) {
  char octet = 'x';
  ssize_t result;
  switch (slot->phase) {
    case CONNECTING:
      result = send(slot->fd, &octet, 1, 0);
      if (result < 0) return errno == EAGAIN || errno == ENOTCONN ? 0 : -1;
      slot->phase = WAITING_FOR_ECHO;
      return 0; /* the answer cannot be there yet */
    case WAITING_FOR_ECHO:
      result = recv(slot->fd, &octet, 1, 0);
      if (result != 1) return result < 0 && errno == EAGAIN ? 0 : -1;
      shutdown(slot->fd, SHUT_WR);
      slot->phase = WAITING_FOR_FIN;
      return 0;
    case WAITING_FOR_FIN:
      result = recv(slot->fd, &octet, 1, 0);
      if (result == 0) return 1;
      return result < 0 && errno == EAGAIN ? 0 : -1;
  }
  return -1;
}

void measure_connections(const struct options *options) {
  struct endpoint endpoint = endpoint_of(options->address, options->port);
  struct slot *slots = calloc(options->count, sizeof *slots);
  struct epoll_event *events = calloc(options->count, sizeof *events);
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (slots == NULL || events == NULL || epoll < 0) fail("memory");
  for (int index = 0; index < options->count; index++) start(&slots[index], epoll, &endpoint, options);

  struct usage before = {0};
  long done = 0, broken = 0, first = 0;
  int last_error = 0, is_counting = 0;
  double begin = seconds_now() + options->warm, end = begin + options->seconds;
  for (double now = seconds_now(); now < end; now = seconds_now()) {
    if (!is_counting && now >= begin) {
      is_counting = 1;
      first = done;
      before = usage_now(options);
      end = before.at + options->seconds;
    }
    int ready = epoll_wait(epoll, events, options->count, 100);
    for (int index = 0; index < ready; index++) {
      struct slot *slot = events[index].data.ptr;
      int result = step(slot);
      if (result == 0) continue;
      if (result > 0) {
        done++;
        close(slot->fd);
      } else {
        last_error = errno;
        if (++broken > 1000) fail("too many connections break");
        reset(slot->fd);
      }
      start(slot, epoll, &endpoint, options);
    }
  }
  struct usage after = usage_now(options);
  for (int index = 0; index < options->count; index++) reset(slots[index].fd);
  printf("{\"connections\":%ld,\"broken\":%ld,\"lastError\":%d,", done - first, broken, last_error);
  print_usage(&before, &after);
  printf("}\n");
}

/*
 * Opens connections one after the other, each of which echoes one octet, says so and holds them until standard input
 * ends: whoever measures does so meanwhile.
 */
void measure_idle(const struct options *options) {
  long slab = slab_octets();
  int *fds = calloc(options->count, sizeof *fds);
  if (fds == NULL) fail("memory");
  for (int index = 0; index < options->count; index++) {
    char octet = 'x';
    fds[index] = connected(options, SOCK_STREAM);
    if (send(fds[index], &octet, 1, 0) != 1 || recv(fds[index], &octet, 1, 0) != 1) fail("connection %d", index);
  }
  usleep(500000); /* the last acknowledgments */
  printf("{\"connections\":%d,\"slab\":%ld}\n", options->count, slab_octets() - slab);
  fflush(stdout);
  while (getchar() != EOF) continue;
  for (int index = 0; index < options->count; index++) reset(fds[index]);
}
