/*
 * The small services on the kernel's own sockets, on TCP echo (7), discard (9) and chargen (19), on UDP echo: what our host
 * is measured against. One thread; every socket is asked only when epoll(7) says that it is ready.
 */
#define _GNU_SOURCE
#include "kernel-peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { ECHO = 7, DISCARD = 9, CHARGEN = 19 };
enum { MOST_EVENTS = 256, TURNS = 16 };

/* A socket, and the port that it serves. */
struct served {
  int fd;
  int port;
  void (*ready)(struct served *served);
};

static int epoll;
static char text[256 * 1024];

static void watch(int fd, int port, uint32_t events, void (*ready)(struct served *)) {
  struct served *served = malloc(sizeof *served);
  if (served == NULL) fail("memory");
  *served = (struct served){.fd = fd, .port = port, .ready = ready};
  struct epoll_event event = {.events = events, .data.ptr = served};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
}

static void end(struct served *served) {
  close(served->fd);
  free(served);
}

/* Sends all of it: an echo is small, and whoever sends much without reading waits. */
static int send_all(int fd, const char *from, ssize_t octets) {
  while (octets > 0) {
    ssize_t sent = send(fd, from, octets, 0);
    if (sent < 0 && errno != EAGAIN) return 0;
    if (sent < 0) {
      usleep(50);
      continue;
    }
    from += sent;
    octets -= sent;
  }
  return 1;
}

static void take(struct served *served) {
  for (int turn = 0; turn < TURNS; turn++) {
    ssize_t octets = recv(served->fd, text, sizeof text, 0);
    if (octets < 0 && errno == EAGAIN) return;
    if (octets <= 0 || (served->port == ECHO && !send_all(served->fd, text, octets))) return end(served);
    if (octets < (ssize_t)sizeof text) return;
  }
}

static void give(struct served *served) {
  for (int turn = 0; turn < TURNS; turn++) {
    ssize_t octets = send(served->fd, text, sizeof text, 0);
    if (octets < 0 && errno == EAGAIN) return;
    if (octets < 0) return end(served);
  }
}

static void answer_datagrams(struct served *served) {
  for (int turn = 0; turn < TURNS; turn++) {
    struct sockaddr_storage from;
    socklen_t length = sizeof from;
    ssize_t octets = recvfrom(served->fd, text, sizeof text, 0, (struct sockaddr *)&from, &length);
    if (octets < 0) return;
    sendto(served->fd, text, octets, 0, (struct sockaddr *)&from, length);
  }
}

static void accept_all(struct served *served) {
  for (;;) {
    int fd = accept4(served->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (served->port == CHARGEN) watch(fd, CHARGEN, EPOLLOUT, give);
    else watch(fd, served->port, EPOLLIN, take);
  }
}

/* Both families: IPv4 comes mapped. What is accepted has the listener's TCP_NODELAY and congestion control. */
static void offer(const struct options *options, int type, int port, void (*ready)(struct served *)) {
  struct endpoint any = endpoint_of("::", port);
  int on = 1;
  int fd = open_socket(&any, type | SOCK_NONBLOCK, options);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&any.address, any.length) < 0) fail("bind to port %d", port);
  if (type == SOCK_STREAM && listen(fd, 4096) < 0) fail("listen on port %d", port);
  watch(fd, port, EPOLLIN, ready);
}

void serve(const struct options *options) {
  epoll = epoll_create1(EPOLL_CLOEXEC);
  memset(text, 'x', sizeof text);
  offer(options, SOCK_STREAM, ECHO, accept_all);
  offer(options, SOCK_STREAM, DISCARD, accept_all);
  offer(options, SOCK_STREAM, CHARGEN, accept_all);
  offer(options, SOCK_DGRAM, ECHO, answer_datagrams);
  printf("ready\n");
  fflush(stdout);
  struct epoll_event events[MOST_EVENTS];
  for (;;) {
    int ready = epoll_wait(epoll, events, MOST_EVENTS, -1);
    for (int index = 0; index < ready; index++) {
      struct served *served = events[index].data.ptr;
      served->ready(served);
    }
  }
}
