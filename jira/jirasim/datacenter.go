package jirasim

import (
	"cmp"
	"strconv"
	"strings"
)

// Deployment is where a Jira runs.
type Deployment int

const (
	// Cloud is Atlassian's own.
	Cloud Deployment = iota
	// DataCenter is a Jira that its users run.
	DataCenter
)

// place settles the version and where the site is served.
func (c *Config) place() {
	c.Version = cmp.Or(c.Version, map[Deployment]string{Cloud: "1001.0.0-SNAPSHOT", DataCenter: "10.3.0"}[c.Deployment])
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	c.ContextPath = strings.Trim(c.ContextPath, "/")
	if c.ContextPath == "" {
		return
	}
	c.ContextPath = "/" + c.ContextPath
	if c.BaseURL != "" && !strings.HasSuffix(c.BaseURL, c.ContextPath) {
		c.BaseURL += c.ContextPath
	}
}

// versionNumbers are the numbers a version begins with: [9 12 4] of 9.12.4.
func (c *Config) versionNumbers() []int {
	var all []int
	release, _, _ := strings.Cut(c.Version, "-")
	for part := range strings.SplitSeq(release, ".") {
		if n, err := strconv.Atoi(part); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// dataCenter tells the major version of a Data Center, and whether the site is one.
func (s *Server) dataCenter() (major int, ok bool) {
	if s.config.Deployment != DataCenter {
		return 0, false
	}
	if numbers := s.config.versionNumbers(); len(numbers) > 0 {
		major = numbers[0]
	}
	return major, true
}
